export type { ConnectionOptions } from "./connect.ts"
export { type EmbeddedPostgres, type SupervisorLog, startEmbeddedPostgres } from "./supervise.ts"
