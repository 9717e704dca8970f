export type { ConnectionOptions } from "./connect.ts"
export type { SupervisorLog } from "./server.ts"
export { type EmbeddedPostgres, startEmbeddedPostgres } from "./supervise.ts"
