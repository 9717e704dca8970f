/** The door of the built-in Postgres: what the rest of the server needs of this folder. */
export type { ConnectionOptions } from "./connect.ts"
export type { SupervisorLog } from "./server.ts"
export { type EmbeddedPostgres, startEmbeddedPostgres } from "./supervise.ts"
