/**
 * What the built-in Postgres is started with, on the command line, so that a data folder carries no settings of ours
 * and a new release of Brevet can change them. Durability is never traded: fsync and synchronous_commit stay on.
 */
const SETTINGS = {
  listen_addresses: "",
  unix_socket_permissions: "0700",
  fsync: "on",
  synchronous_commit: "on",
  max_connections: "60",
  shared_buffers: "64MB",
  // Pages are taken as they are used; huge pages would reserve all of it at once.
  huge_pages: "off",
  // No worker processes beyond the four that Postgres cannot do without: idle memory is counted in processes.
  io_method: "sync",
  max_worker_processes: "0",
  max_parallel_workers_per_gather: "0",
  max_parallel_maintenance_workers: "0",
  max_logical_replication_workers: "0",
  // Nobody replicates from it, so the log needs only what recovery after a crash needs.
  wal_level: "minimal",
  max_wal_senders: "0",
  jit: "off",
  autovacuum: "on",
  timezone: "UTC",
  log_timezone: "UTC",
  // The log must not hold what people wrote: errors of statements carry values, so only the server's own events are kept.
  log_min_messages: "log",
  log_min_error_statement: "panic",
  log_error_verbosity: "terse",
  log_checkpoints: "off",
} as const

/** The number that is part of the socket's name. There is one server per socket folder, so it need not be free. */
const SOCKET_PORT = 5432

/** The arguments of `postgres` for a cluster; `overrides` are further settings that win over ours (for tests). */
export function serverArguments(
  cluster: string,
  socketFolder: string,
  overrides: Readonly<Record<string, string>> = {},
): string[] {
  const settings = { ...SETTINGS, port: String(SOCKET_PORT), unix_socket_directories: socketFolder, ...overrides }
  return ["-D", cluster, ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])]
}
