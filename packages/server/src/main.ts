/** Starts the server with the settings of the environment, says where it is and how to use it, and ends it on a signal. */
import closeWithGrace from "close-with-grace"
import { readConfig } from "./config.ts"
import { begin } from "./start/database.ts"
import { welcome } from "./start/welcome.ts"
import { StartProblem } from "./start-problem.ts"

/** What closing may take beyond the time that turns are given to end (milliseconds). */
const closeMsMax = 15_000

async function main(): Promise<void> {
  const config = readConfig(process.env)
  const beginning = begin(config)
  // Loading everything takes as long as the database.
  const { startServer } = await import("./compose.ts")
  const server = await startServer(config, beginning)
  console.log(welcome(server))
  const logger = {
    error: (message: string | undefined, meta: unknown) => server.log.error({ err: meta ?? message }, "process-error"),
  }
  closeWithGrace({ delay: config.drainMs + closeMsMax, logger: logger as Console }, async ({ signal, err }) => {
    if (err !== undefined) server.log.fatal({ err }, "process-broken")
    else server.log.info({ signal }, "server-closing")
    await server.close()
  })
}

main().catch((error: unknown) => {
  if (error instanceof StartProblem) {
    console.error(error.message)
    process.exitCode = error.exitCode
  } else {
    console.error(error)
    process.exitCode = 1
  }
})
