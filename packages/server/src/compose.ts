/**
 * Joins everything: the only file that knows all rooms. What is opened here is closed here, in the reverse order.
 *
 *     starting ── store, tables, first start, owner ──> listening ── own runs taken up ──> ready
 *     ready ── close() ──> draining: new work is refused, turns may end ──> everything closed
 *
 * Whatever fails on the way closes what was opened before it.
 */
import { randomBytes } from "node:crypto"
import type { AddressInfo } from "node:net"
import { routes } from "@brevet/core/contract/routes"
import type { Logger } from "pino"
import { readOrMakeExecutorName } from "./adapters/executor-name.ts"
import { openFanOut } from "./adapters/fan-out/postgres.ts"
import { systemIds } from "./adapters/ids.ts"
import { keepKeyFile, keyFilePath } from "./adapters/key-file.ts"
import { makeMcpClient } from "./adapters/mcp/mcp-client.ts"
import { createModels } from "./adapters/models/create-models.ts"
import { openOutbound } from "./adapters/outbound/outbound.ts"
import { openOwner } from "./adapters/owner/postgres.ts"
import { openSandbox } from "./adapters/sandbox/pool.ts"
import { openSecrets } from "./adapters/secrets.ts"
import { makeRunLog } from "./adapters/store/postgres/run-log.ts"
import { openSqlPool } from "./adapters/store/postgres/sql.ts"
import { makeStore } from "./adapters/store/postgres/store.ts"
import type { Config } from "./config.ts"
import { createApp } from "./http/app.ts"
import { makeDocs } from "./http/docs.ts"
import { assistantWorkflowRoutes } from "./http/routes/assistant-workflow.ts"
import { assistantRoutes } from "./http/routes/assistants.ts"
import { makeCredentialRoutes } from "./http/routes/credentials.ts"
import { makeExecutionRoutes } from "./http/routes/executions.ts"
import { makeHealthRoutes } from "./http/routes/health.ts"
import { makeKeyRoutes } from "./http/routes/keys.ts"
import { messageRoutes } from "./http/routes/messages.ts"
import { modelRoutes } from "./http/routes/models.ts"
import { makeProviderRoutes, organizationRoutes } from "./http/routes/organizations.ts"
import { makePauseRoutes } from "./http/routes/pauses.ts"
import { promotionRoutes } from "./http/routes/promotion.ts"
import { runRoutes } from "./http/routes/runs.ts"
import { makeTalkRoutes } from "./http/routes/talk.ts"
import { threadRoutes } from "./http/routes/threads.ts"
import { makeTriggerRoutes } from "./http/routes/triggers.ts"
import { workflowRoutes } from "./http/routes/workflows.ts"
import type { Ports } from "./ports/context.ts"
import type { Readiness, ReadinessState } from "./ports/readiness.ts"
import type { Runs } from "./ports/runs.ts"
import { makeAgentPerformer } from "./runtime/performers/agent.ts"
import { makeAssistantPerformer } from "./runtime/performers/assistant.ts"
import { performChain } from "./runtime/performers/chain.ts"
import { makeCodePerformer } from "./runtime/performers/code.ts"
import { performCrypto } from "./runtime/performers/crypto.ts"
import { performFromFile, performToFile } from "./runtime/performers/files.ts"
import { makeHttpPerformer } from "./runtime/performers/http.ts"
import { makeModelPerformer } from "./runtime/performers/model.ts"
import { makeOpenAiPerformer } from "./runtime/performers/open-ai.ts"
import { makeWorkflowPerformer } from "./runtime/performers/workflow.ts"
import { createRuntime, type Runtime } from "./runtime/runtime.ts"
import { makeAssistantCalls } from "./services/assistant-calls.ts"
import { makeCredentialAccess } from "./services/credential-access.ts"
import { makeErrorRuns } from "./services/error-runs.ts"
import { ensureFirstStart } from "./services/first-start.ts"
import { makeGraphSource } from "./services/graphs.ts"
import { makeKeyring } from "./services/keyring.ts"
import { startMaintenance } from "./services/maintenance.ts"
import { makeModelAccess } from "./services/model-access.ts"
import { makeOrganizationFacts } from "./services/organization-facts.ts"
import { makeRecentFailures } from "./services/recent-failures.ts"
import { makeTriggerAddresses } from "./services/trigger-addresses.ts"
import type { TurnPorts } from "./services/turns.ts"
import { makeWorkflowCalls } from "./services/workflow-calls.ts"
import { type Beginning, begin } from "./start/database.ts"
import { requireSecretKey } from "./start/secret-key.ts"
import { StartProblem } from "./start-problem.ts"
import { version } from "./version.ts"

const dayMs = 86_400_000
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

/** Starts a server on what was begun for it. Throws StartProblem with a sentence for whoever starts it. */
export async function startServer(config: Config, beginning: Beginning = begin(config)): Promise<Server> {
  const closers: (() => Promise<void>)[] = []
  const closeAll = async (): Promise<void> => {
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close()
  }
  try {
    return await openAll(config, { beginning, closers, closeAll })
  } catch (error) {
    await closeAll().catch(() => {})
    throw error
  }
}

/** The HTTP server. */
type App = Awaited<ReturnType<typeof createApp>>

type Closing = {
  readonly beginning: Beginning
  readonly closers: (() => Promise<void>)[]
  readonly closeAll: () => Promise<void>
}

async function openAll(config: Config, { beginning, closers, closeAll }: Closing): Promise<Server> {
  const { log } = beginning
  let state: ReadinessState = "starting"
  const readiness = { state: () => state }
  const ground = await openGround(config, { beginning, closers })
  const keyFile = config.databaseUrl === null && config.bootstrapApiKey === null
  const first = await ensureFirstStart(ground, {
    bootstrapApiKey: config.bootstrapApiKey,
    keepKey: keyFile ? (text) => keepKeyFile(config.dataDirectory, text) : null,
  })
  let address = ""
  const publicUrl = (): string => config.publicUrl ?? address
  const working = await openRuntime(config, ground, { closers, publicUrl })
  const { runtime, ports } = working
  const app = await openApp(config, { ground, working, readiness, publicUrl })
  closers.push(() => app.close())
  closers.push(() => runtime.drain(config.drainMs))
  address = await listen(app, config)
  const recovered = await runtime.recover()
  const retentionMs = config.retentionDays === null ? null : config.retentionDays * dayMs
  const maintenance = startMaintenance({ ...ports, errors: working.errors, retentionMs })
  closers.push(maintenance.stop)
  state = "ready"
  log.info({ address, recovered_runs: recovered }, "server-ready")
  let closing: Promise<void> | null = null
  return {
    address,
    publicUrl: config.publicUrl ?? address,
    keyText: first.keyText,
    keyFile: keyFile ? keyFilePath(config.dataDirectory) : null,
    log,
    close() {
      state = "draining"
      closing ??= closeAll().then(() => log.info("server-closed"))
      return closing
    },
  }
}

type Opening = Pick<Closing, "beginning" | "closers">

/** What everything stands on: the database with its tables, secrets, models, time and ids. */
async function openGround(config: Config, { beginning, closers }: Opening) {
  const { log } = beginning
  const database = await beginning.database
  closers.push(database.close)
  const pool = openSqlPool(database.connection, { connectionsMax: poolConnections })
  closers.push(() => pool.close())
  const secrets = await openSecrets({
    dataFolder: config.dataDirectory,
    secretKey: config.secretKey ?? undefined,
    previousSecretKey: config.secretKeyPrevious ?? undefined,
  })
  const store = makeStore(pool)
  await requireSecretKey(store, secrets)
  const outbound = openOutbound({ allow: config.outboundAllow })
  closers.push(() => outbound.close())
  const { models: settings } = config
  const models = createModels({
    openai: { apiKey: settings.openaiApiKey, baseUrl: settings.openaiBaseUrl },
    anthropic: { apiKey: settings.anthropicApiKey },
    google: { apiKey: settings.googleApiKey },
    compatible: settings.openaiCompatible,
    defaultModel: settings.defaultModel,
    modelTimeoutMs: settings.timeoutMs,
    guardedDispatcher: () => outbound.dispatcher(),
  })
  closers.push(() => models.close())
  const sandbox = openSandbox({ log })
  closers.push(() => sandbox.close())
  const clock = { nowMs: () => Date.now() }
  return { database, pool, store, secrets, outbound, models, sandbox, clock, ids: systemIds, log }
}

type Ground = Awaited<ReturnType<typeof openGround>>

type OwnershipOpening = { readonly closers: Closing["closers"]; onDue(): void }

/** Who owns which run, and how processes tell each other. */
async function openOwnership(config: Config, ground: Ground, { closers, onDue }: OwnershipOpening) {
  const { database, pool, clock, ids, log } = ground
  const station = randomBytes(12).toString("hex")
  const fanOut = await openFanOut({ sql: pool, connection: database.connection, station })
  closers.push(() => fanOut.close())
  const owner = await openOwner({
    pool,
    connection: database.connection,
    executorName: await readOrMakeExecutorName(config.dataDirectory),
    ids,
    clock,
    log,
    onDue,
  })
  closers.push(() => owner.close())
  return { owner, fanOut }
}

type RuntimeOpening = { readonly closers: Closing["closers"]; readonly publicUrl: () => string }

/** Who owns runs and works on them, and the ports of services, which ask it. */
async function openRuntime(config: Config, ground: Ground, { closers, publicUrl }: RuntimeOpening) {
  const { pool, store, secrets, outbound, models, sandbox, clock, ids, log } = ground
  // The owner tells of due work, and the runtime asks the owner for it; services and the runtime ask each other.
  const later: { runtime: Runtime | null } = { runtime: null }
  const { owner, fanOut } = await openOwnership(config, ground, {
    closers,
    onDue: () => later.runtime?.claimDue(),
  })
  const turns: TurnPorts = {
    facts: makeOrganizationFacts(store),
    graphs: makeGraphSource(store),
    failures: makeRecentFailures(),
  }
  const settings = {
    publicUrl: config.publicUrl ?? "",
    waitMs: config.waitMs,
    streamWaitMs: config.streamWaitMs,
    definitionNodesMax: config.definitionNodesMax,
  }
  const runs = runsOf(later)
  const ports: Ports = { store, models, runs, ids, clock, log, settings }
  const calls = makeAssistantCalls(ports, turns)
  const errors = makeErrorRuns({ ...ports, graphs: turns.graphs, publicUrl })
  const workflows = makeWorkflowCalls(ports, turns.graphs)
  const runLog = makeRunLog(pool)
  const runtime = createRuntime({
    owner,
    log: runLog,
    graphs: turns.graphs,
    fanOut,
    workshop: {
      models,
      access: makeModelAccess({ secrets, facts: turns.facts, models, store }),
      credentials: makeCredentialAccess({ secrets, store }),
      history: store.history,
      binaries: store.binaries,
      clock,
      ids,
      log,
      bounds: config.runBounds,
      errors,
      performers: {
        ...modelPerformers(ground),
        assistant: makeAssistantPerformer({ calls, waitForEnd: runs.waitForEnd }),
        workflow: makeWorkflowPerformer({ calls: workflows, waitForEnd: runs.waitForEnd, log: runLog }),
        crypto: performCrypto,
        toFile: performToFile,
        fromFile: performFromFile,
        code: makeCodePerformer(sandbox),
        http: makeHttpPerformer({ outbound }),
      },
    },
  })
  later.runtime = runtime
  return { runtime, ports, turns, errors }
}

/** The runtime as services see it; asked for with each call, since services are there before it. */
function runsOf(later: { readonly runtime: Runtime | null }): Runs {
  return {
    start: (run, options) => requireRuntime(later).start(run, options),
    enqueue: (run, options) => requireRuntime(later).enqueue(run, options),
    follow: (runId, after, listener) => requireRuntime(later).follow(runId, after, listener),
    waitForEnd: (runId, options) => requireRuntime(later).waitForEnd(runId, options),
    waitForRest: (segment, options) => requireRuntime(later).waitForRest(segment, options),
    wake: () => requireRuntime(later).wake(),
    endMarked: (runIds) => requireRuntime(later).endMarked(runIds),
  }
}

/** The performers of the nodes that ask models, with what their tools work with. */
function modelPerformers({ store, sandbox, outbound }: Ground) {
  const tools = { sandbox, outbound, mcp: makeMcpClient({ outbound, version }) }
  return {
    model: makeModelPerformer(tools),
    chain: performChain,
    agent: makeAgentPerformer({ ...tools, memories: store.memories }),
    openAi: makeOpenAiPerformer(tools),
  }
}

function requireRuntime({ runtime }: { readonly runtime: Runtime | null }): Runtime {
  if (runtime === null) throw new Error("the runtime is not there yet")
  return runtime
}

type Doors = {
  readonly ground: Ground
  readonly working: Awaited<ReturnType<typeof openRuntime>>
  readonly readiness: Readiness
  readonly publicUrl: () => string
}

/** The HTTP server with every route. It does not listen yet. */
function openApp(config: Config, { ground, working, readiness, publicUrl }: Doors): Promise<App> {
  const { store, models, secrets, outbound } = ground
  const { ports, turns } = working
  const keyring = makeKeyring(ports)
  const docs = makeDocs(routes, { version, publicUrl })
  const links = { ...ports, secrets, publicUrl }
  return createApp({
    ports,
    keyring,
    readiness,
    settings: config,
    routes: [
      ...workflowRoutes,
      ...makeTriggerRoutes({ publicUrl }),
      ...promotionRoutes,
      ...assistantRoutes,
      ...assistantWorkflowRoutes,
      ...makeTalkRoutes(turns),
      ...makeExecutionRoutes(turns),
      ...threadRoutes,
      ...messageRoutes,
      ...runRoutes,
      ...makePauseRoutes(links),
      ...modelRoutes,
      ...organizationRoutes,
      ...makeProviderRoutes({ secrets }),
      ...makeCredentialRoutes({ secrets, outbound }),
      ...makeKeyRoutes(keyring),
      ...makeHealthRoutes({ store, models, readiness }),
      docs.route,
    ],
    pages: docs.pages,
    triggers: {
      ports,
      callers: { credentials: makeCredentialAccess({ secrets, store }), clock: ports.clock },
      addresses: makeTriggerAddresses({ store, clock: ports.clock, graphs: turns.graphs }),
      publicUrl,
      bodyBytesMax: config.triggerBodyBytesMax,
      fileBytesMax: config.runBounds.fileBytesMax,
    },
    links,
  })
}

/** Listens, and gives the address. Throws StartProblem. */
async function listen(app: App, config: Config): Promise<string> {
  await bindAddress(app, config)
  const { port } = app.server.address() as AddressInfo
  const name = config.host === "0.0.0.0" || config.host === "::" ? "127.0.0.1" : config.host
  return `http://${name.includes(":") ? `[${name}]` : name}:${port}`
}

async function bindAddress(app: App, { host, port }: Config): Promise<void> {
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
