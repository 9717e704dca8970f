/**
 * Joins everything: the only file that knows all rooms. What is opened here is closed here, in the reverse order.
 *
 *     starting ── store, tables, first start, owner ──> listening ── own runs taken up ──> ready
 *     ready ── close() ──> draining: new work is refused, turns may end ──> everything closed
 *
 * Whatever fails on the way closes what was opened before it.
 */
import type { AddressInfo } from "node:net"
import { routes } from "@brevet/core/contract/routes"
import { type Logger, pino } from "pino"
import { readOrMakeExecutorName } from "./adapters/executor-name.ts"
import { systemIds } from "./adapters/ids.ts"
import { keepKeyFile, keyFilePath } from "./adapters/key-file.ts"
import { createModels } from "./adapters/models/create-models.ts"
import { openOwner } from "./adapters/owner/postgres.ts"
import { openSecrets } from "./adapters/secrets.ts"
import { makeRunLog } from "./adapters/store/postgres/run-log.ts"
import { openSqlPool } from "./adapters/store/postgres/sql.ts"
import { makeStore } from "./adapters/store/postgres/store.ts"
import type { Config } from "./config.ts"
import { createApp } from "./http/app.ts"
import { makeDocs } from "./http/docs.ts"
import { assistantWorkflowRoutes } from "./http/routes/assistant-workflow.ts"
import { assistantRoutes } from "./http/routes/assistants.ts"
import { makeExecutionRoutes } from "./http/routes/executions.ts"
import { makeHealthRoutes } from "./http/routes/health.ts"
import { makeKeyRoutes } from "./http/routes/keys.ts"
import { messageRoutes } from "./http/routes/messages.ts"
import { modelRoutes } from "./http/routes/models.ts"
import { makeProviderRoutes, organizationRoutes } from "./http/routes/organizations.ts"
import { promotionRoutes } from "./http/routes/promotion.ts"
import { runRoutes } from "./http/routes/runs.ts"
import { makeTalkRoutes } from "./http/routes/talk.ts"
import { threadRoutes } from "./http/routes/threads.ts"
import { workflowRoutes } from "./http/routes/workflows.ts"
import type { Ports } from "./ports/context.ts"
import type { ReadinessState } from "./ports/readiness.ts"
import { makeAssistantPerformer } from "./runtime/performers/assistant.ts"
import { performModel } from "./runtime/performers/model.ts"
import { createRuntime, type Runtime } from "./runtime/runtime.ts"
import { makeAssistantCalls } from "./services/assistant-calls.ts"
import { ensureFirstStart } from "./services/first-start.ts"
import { makeGraphSource } from "./services/graphs.ts"
import { makeKeyring } from "./services/keyring.ts"
import { startMaintenance } from "./services/maintenance.ts"
import { makeOrganizationFacts } from "./services/organization-facts.ts"
import { makeRecentFailures } from "./services/recent-failures.ts"
import { openDatabase } from "./start/database.ts"
import { StartProblem } from "./start-problem.ts"
import { version } from "./version.ts"

/** Connections of reads and transactions; the owner's writers have their own. */
const poolConnections = 10

/** A server that is ready. */
export type Server = {
  /** Where it listens. */
  readonly address: string
  /** The address that is handed out: BREVET_PUBLIC_URL, else where it listens. */
  readonly publicUrl: string
  /** The text of the key that was made now; null on later starts and where the operator fixed the key. */
  readonly keyText: string | null
  /** The file that keeps the first key; null where the operator fixed it, or the store is not ours. */
  readonly keyFile: string | null
  readonly log: Logger
  /** Lets turns end, hands the rest over and closes everything. May be called twice. */
  close(): Promise<void>
}

/** Starts a server. Throws StartProblem with a sentence for whoever starts it. */
export async function startServer(config: Config): Promise<Server> {
  const closers: (() => Promise<void>)[] = []
  const closeAll = async (): Promise<void> => {
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close()
  }
  try {
    return await openAll(config, { closers, closeAll })
  } catch (error) {
    await closeAll().catch(() => {})
    throw error
  }
}

type Closing = { readonly closers: (() => Promise<void>)[]; readonly closeAll: () => Promise<void> }

async function openAll(config: Config, { closers, closeAll }: Closing): Promise<Server> {
  const log = pino({ level: config.logLevel }, pino.destination({ dest: 2, sync: false, minLength: 0 }))
  let state: ReadinessState = "starting"
  const readiness = { state: () => state }
  const database = await openDatabase(config, log)
  closers.push(database.close)
  const pool = openSqlPool(database.connection, { connectionsMax: poolConnections })
  closers.push(() => pool.close())
  const store = makeStore(pool)
  const [secrets, executorName] = await Promise.all([
    openSecrets({
      dataFolder: config.dataDirectory,
      secretKey: config.secretKey ?? undefined,
      previousSecretKey: config.secretKeyPrevious ?? undefined,
    }),
    readOrMakeExecutorName(config.dataDirectory),
  ])
  const { models: modelConfig } = config
  const models = createModels({
    openai: { apiKey: modelConfig.openaiApiKey, baseUrl: modelConfig.openaiBaseUrl },
    anthropic: { apiKey: modelConfig.anthropicApiKey },
    google: { apiKey: modelConfig.googleApiKey },
    compatible: modelConfig.openaiCompatible,
    defaultModel: modelConfig.defaultModel,
    modelTimeoutMs: modelConfig.timeoutMs,
  })
  closers.push(() => models.close())
  const clock = { nowMs: () => Date.now() }
  const makesKeyFile = config.databaseUrl === null && config.bootstrapApiKey === null
  const first = await ensureFirstStart(
    { store, ids: systemIds, clock },
    {
      bootstrapApiKey: config.bootstrapApiKey,
      keepKey: makesKeyFile ? (text) => keepKeyFile(config.dataDirectory, text) : null,
    },
  )
  // The owner tells of due work, and the runtime asks the owner for it.
  let runtime: Runtime | null = null
  const owner = await openOwner({
    pool,
    connection: database.connection,
    executorName,
    ids: systemIds,
    clock,
    onDue: () => runtime?.claimDue(),
  })
  closers.push(() => owner.close())
  const graphs = makeGraphSource(store)
  const facts = makeOrganizationFacts(store)
  const settings = {
    publicUrl: config.publicUrl ?? "",
    waitMs: config.waitMs,
    definitionNodesMax: config.definitionNodesMax,
  }
  const ports: Ports = {
    store,
    models,
    get runs() {
      if (runtime === null) throw new Error("the runtime is not there yet")
      return runtime
    },
    ids: systemIds,
    clock,
    log,
    settings,
  }
  const turnPorts = { facts, graphs, failures: makeRecentFailures() }
  const created = createRuntime({
    owner,
    log: makeRunLog(pool),
    graphs,
    workshop: {
      models,
      history: store.history,
      clock,
      ids: systemIds,
      log,
      bounds: config.runBounds,
      performers: {
        model: performModel,
        assistant: makeAssistantPerformer({
          calls: makeAssistantCalls(ports, turnPorts),
          waitForEnd: (runId, options) => created.waitForEnd(runId, options),
        }),
      },
    },
  })
  runtime = created
  const keyring = makeKeyring(ports)
  let address = ""
  const docs = makeDocs(routes, { version, publicUrl: () => config.publicUrl ?? address })
  const app = await createApp({
    ports: { ...ports, runs: created },
    keyring,
    readiness,
    settings: config,
    routes: [
      ...workflowRoutes,
      ...promotionRoutes,
      ...assistantRoutes,
      ...assistantWorkflowRoutes,
      ...makeTalkRoutes(turnPorts),
      ...makeExecutionRoutes(turnPorts),
      ...threadRoutes,
      ...messageRoutes,
      ...runRoutes,
      ...modelRoutes,
      ...organizationRoutes,
      ...makeProviderRoutes({ secrets }),
      ...makeKeyRoutes(keyring),
      ...makeHealthRoutes({ store, models, readiness }),
      docs.route,
    ],
    pages: docs.pages,
  })
  closers.push(() => app.close())
  closers.push(() => created.drain(config.drainMs))
  await listen(app, config)
  address = addressOf(app.server.address() as AddressInfo, config.host)
  const recovered = await created.recover()
  const maintenance = startMaintenance(ports)
  closers.push(maintenance.stop)
  state = "ready"
  log.info({ address, recovered_runs: recovered }, "server-ready")
  let closing: Promise<void> | null = null
  return {
    address,
    publicUrl: config.publicUrl ?? address,
    keyText: first.keyText,
    keyFile: makesKeyFile ? keyFilePath(config.dataDirectory) : null,
    log,
    close() {
      state = "draining"
      closing ??= closeAll().then(() => log.info("server-closed"))
      return closing
    },
  }
}

async function listen(app: Awaited<ReturnType<typeof createApp>>, { host, port }: Config): Promise<void> {
  try {
    await app.listen({ host, port })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const place = `${host}:${port}`
    if (code === "EADDRINUSE") {
      throw new StartProblem(
        `The address ${place} is in use: stop what listens there, or set BREVET_PORT to another port.`,
      )
    }
    if (code === "EACCES") {
      throw new StartProblem(`This user may not listen on ${place}: set BREVET_PORT to a port above 1023.`)
    }
    if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") {
      throw new StartProblem(`This machine has no address ${host}: correct BREVET_HOST.`)
    }
    throw error
  }
}

function addressOf({ port }: AddressInfo, host: string): string {
  const name = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host
  return `http://${name.includes(":") ? `[${name}]` : name}:${port}`
}
