/** What code finds in the sandbox, and what it gives: the language, its libraries, the workflow around it. */
import type { JsonObject, JsonValue } from "@brevet/core/json"
import { describe, expect, it } from "vitest"
import { useSandbox } from "../../testing/sandbox.ts"

const { run, value, failure } = useSandbox()

/** Several expressions at once, by name. */
const values = (expressions: Readonly<Record<string, string>>, given = {}): Promise<JsonValue> => {
  const fields = Object.entries(expressions).map(([name, expression]) => `${JSON.stringify(name)}: ${expression}`)
  return value(`return { ${fields.join(", ")} }`, given)
}

describe("the items of code", () => {
  const items = [{ n: 1 }, { n: 2 }, { n: 3 }]

  it("are there under all their names", async () => {
    const all = { all: "$input.all().length", first: "$input.first().json", last: "$input.last().json" }
    const names = { item: "$input.item.json", items: "items.length", json: "$json.n", index: "$itemIndex" }
    expect(await values({ ...all, ...names, one: "item.json.n", binary: "typeof $binary" }, { items })).toEqual({
      all: 3,
      first: { n: 1 },
      last: { n: 3 },
      item: { n: 1 },
      items: 3,
      json: 1,
      index: 0,
      one: 1,
      binary: "undefined",
    })
  })

  it("come one by one where the code runs for each", async () => {
    const code =
      "return { n: $json.n, same: item === $input.item && item.json === $json, of: $input.all().length, $itemIndex }"
    const outcome = await run(code, { items, mode: "each" })
    expect(outcome).toMatchObject({
      status: "completed",
      results: [0, 1, 2].map((index) => ({
        type: "object",
        value: { n: index + 1, same: true, of: 3, $itemIndex: index },
      })),
    })
  })

  it("may be declared anew, written over and changed in place", async () => {
    const shadow =
      "const items = [1], $json = 2, $input = 3, item = 4; let $now = 5; return { a: [items, $json, $input, item, $now] }"
    expect(await value(shadow)).toEqual({ a: [[1], 2, 3, 4, 5] })
    expect(await value("items = items.concat(items); return { n: items.length }", { items })).toEqual({ n: 6 })
    expect(await value("$input.all()[0].json.n = 9; return items[0].json", { items })).toEqual({ n: 9 })
    expect(await value("undeclared = 1; return { u: undeclared, here: this === globalThis }")).toEqual({
      u: 1,
      here: true,
    })
  })

  it("are none where none are given", async () => {
    expect(await values({ first: "$input.first() ?? 'none'", json: "typeof $json" }, { items: [] })).toEqual({
      first: "none",
      json: "undefined",
    })
    expect(await run("return {}", { items: [], mode: "each" })).toMatchObject({ results: [] })
  })

  it("keep every character: NUL, lone surrogates, what ends a line, keys in their order", async () => {
    const odd = { z: "\u0000", a: "\ud800x\udc00", line: "\u2028\r\n", emoji: "😀", "": 1, 'quote"': "\\", n: 1e21 }
    expect(JSON.stringify(await value("return $json", { items: [odd] }))).toBe(JSON.stringify(odd))
    expect(await value("return { s: $json.z.length, t: '\\0a'.length, u: '\u0000'.length }", { items: [odd] })).toEqual(
      {
        s: 1,
        t: 2,
        u: 1,
      },
    )
  })
})

describe("what code gives", () => {
  it.each([
    ["return undefined", "undefined", null],
    ["", "undefined", null],
    ["return null", "null", null],
    ["return [1]", "list", [1]],
    [
      "return { a: undefined, b: () => 1, c: Symbol('x'), d: NaN, e: -0, f: 1n ** 0n === 1n }",
      "object",
      { d: null, e: 0, f: true },
    ],
    ["return 'text'", "other", "text"],
    ["return 7", "other", 7],
    ["return NaN", "other", null],
    ["return () => 1", "other", null],
    ["return Symbol('x')", "other", null],
    ["return 7n", "other", null],
    ["return new Date(0)", "object", "1970-01-01T00:00:00.000Z"],
    ["return new Map([[1, 2]])", "object", {}],
    ["return [new Set([1]), /x/, new Error('e')]", "list", [{}, {}, {}]],
    ["return Promise.resolve({ a: 1 })", "object", { a: 1 }],
    ["return { then: (go) => go({ a: 2 }) }", "object", { a: 2 }],
    ["return { toJSON: () => [1] }", "object", [1]],
    ["return { toJSON: () => undefined }", "object", null],
    ["return [{ json: undefined }, { json: () => 1 }, {}]", "list", [{ json: null }, { json: null }, {}]],
    ["return { json: undefined, more: 1 }", "object", { json: null, more: 1 }],
  ] as const)("%s", async (code, type, expected) => {
    expect(await run(code)).toMatchObject({ status: "completed", results: [{ type, value: expected }] })
  })

  it("waits for what it awaits", async () => {
    const code = `const later = (x) => Promise.resolve(x).then((y) => y + 1)
      const all = await Promise.all([1, 2, 3].map(later))
      let sum = 0
      for await (const x of (async function* () { yield* all })()) sum += x
      return { all, sum, any: await Promise.any([Promise.reject(1), 5]), race: await Promise.race([6, 7]) }`
    expect(await value(code)).toEqual({ all: [2, 3, 4], sum: 9, any: 5, race: 6 })
  })

  it("may be several results, of which some failed", async () => {
    const code = "if ($json.n === 2) throw new Error('two')\nreturn $json.n === 3 ? 5 : $json"
    const items = [{ n: 1 }, { n: 2 }, { n: 3 }]
    expect(await run(code, { items, mode: "each", keepsGoing: true })).toMatchObject({
      status: "completed",
      results: [
        { type: "object", value: { n: 1 } },
        { type: "failed", failure: { code: "CODE_ERROR", message: "two", line: 1 } },
        { type: "other" },
      ],
    })
    expect(await run(code, { items, mode: "each" })).toMatchObject({
      status: "failed",
      item: 1,
      failure: { message: "two", line: 1 },
    })
  })
})

describe("what code throws", () => {
  it.each([
    ["throw new Error('words')", "words", 1],
    ["\n\nthrow new TypeError('third')", "third", 3],
    ["const f = () => {\n  throw new RangeError('deep')\n}\n\nf()", "deep", 2],
    ["await 1\nawait Promise.reject(new Error('later'))", "later", 2],
    ["\nnobody.there", "nobody", 2],
    ["null.x", "null", 1],
    ["throw 'only text'", "only text", null],
    ["throw { message: 'of an object' }", "of an object", null],
    ["throw { status: 404 }", '{"status":404}', null],
    ["throw 42", "42", null],
    ["throw null", "null", null],
    ["throw undefined", "undefined", null],
    ["throw Symbol('sign')", "Symbol(sign)", null],
    ["throw new Error('')", "Error", 1],
    ["throw new AggregateError([new Error('a')], 'several')", "several", 1],
  ])("%s", async (code, message, line) => {
    const { code: cause, message: words, line: where } = await failure(code)
    expect([cause, where]).toEqual(["CODE_ERROR", line])
    expect(words).toContain(message)
  })

  it.each([
    ["return [", 1],
    ["const a = 1\nconst a = 2", 2],
    ["\n\nreturn 1 2", 3],
    ["}); (() => {", null],
    ["return 1 }, function () { return 2", null],
    ["/*", 1],
    ["import x from 'y'", 1],
    ["export const a = 1", 1],
  ])("is a syntax error for %j, and says where", async (code, line) => {
    expect(await failure(code)).toMatchObject({ code: "CODE_ERROR", line })
  })

  it.each([
    "return { a: 1 }\r\n",
    "\ufeffreturn { a: 1 }",
    "return { a: 1 } // \u2028\nreturn 2",
    "return { a: '\ud800'.length }",
    "<!-- x\nreturn { a: 1 }",
    "return { a: 1 } //",
  ])("is no syntax error for what Node takes: %j", async (code) => {
    expect(await value(code)).toEqual({ a: 1 })
  })

  it("is told for what cannot be written as JSON", async () => {
    expect((await failure("return { n: 1n }")).message).toContain("JSON")
    expect((await failure("const a = {}; a.a = a; return a")).message).toContain("JSON")
    expect((await failure("return { get x() { throw new Error('trap') } }")).message).toContain("trap")
  })

  it("is told for a promise that never settles", async () => {
    expect(await failure("await new Promise(() => {})")).toMatchObject({ code: "CODE_ERROR", line: null })
  })
})

describe("time, chance and language", () => {
  it("are the run's: the same each time", async () => {
    const code = `const busy = Date.now(); for (let i = 0; i < 1e5; i++);
      return { r: [Math.random(), Math.random()], t: [Date.now() - busy, +new Date(), Date(), $now.toISO(), $today.toISO()] }`
    const first = await value(code)
    expect(await value(code)).toEqual(first)
    expect(first).toMatchObject({
      t: [0, Date.UTC(2024, 4, 1, 12, 30), expect.any(String), "2024-05-01T12:30:00.000Z", "2024-05-01T00:00:00.000Z"],
    })
    const other = await value(code, { seed: 8, nowMs: 0 })
    expect((other as JsonObject).r).not.toEqual((first as JsonObject).r)
  })

  it("have local times in the zone of the workflow, whatever the machine's is", async () => {
    const expressions = {
      hours: "new Date(0).getHours()",
      offset: "[new Date(2024, 0, 1), new Date(2024, 6, 1)].map((d) => d.getTimezoneOffset())",
      made: "new Date(2024, 6, 1, 12).toISOString()",
      read: "new Date('2024-01-15T12:00:00').toISOString()",
      luxon: "DateTime.local(2024, 7, 1).toISO()",
      named: "$now.zoneName",
      shown: "new Date(0).toLocaleTimeString()",
    }
    expect(await values(expressions, { timeZone: "Europe/Berlin" })).toEqual({
      hours: 1,
      offset: [-60, -120],
      made: "2024-07-01T10:00:00.000Z",
      read: "2024-01-15T11:00:00.000Z",
      luxon: "2024-07-01T00:00:00.000+02:00",
      named: "Europe/Berlin",
      shown: "1:00:00 AM",
    })
    expect(await values(expressions, { timeZone: "Nowhere/Land" })).toMatchObject({ hours: 0, named: "UTC" })
    expect(await values(expressions, { timeZone: "America/New_York" })).toMatchObject({ hours: 19, offset: [300, 240] })
  })

  it("has luxon with its dates, durations and intervals in every zone and language", async () => {
    expect(
      await values({
        add: "DateTime.fromISO('2024-01-31T00:00:00Z', { zone: 'utc' }).plus({ months: 1 }).toISODate()",
        zone: "DateTime.fromISO('2024-03-10T06:30:00Z').setZone('America/New_York').plus({ hours: 1 }).toISO()",
        words: "DateTime.fromISO('2024-05-01').setLocale('fr').toFormat('d MMMM yyyy')",
        locale: "DateTime.fromISO('2024-05-01').toLocaleString(DateTime.DATE_FULL)",
        difference: "DateTime.fromISO('2024-03-01').diff(DateTime.fromISO('2024-02-01'), 'days').days",
        relative: "$now.minus({ hours: 3 }).toRelative()",
        human: "Duration.fromObject({ hours: 2, minutes: 3 }).toHuman()",
        interval:
          "Interval.fromDateTimes(DateTime.fromISO('2024-01-01'), DateTime.fromISO('2024-01-08')).length('days')",
        invalid: "DateTime.fromISO('nonsense').isValid",
        is: "DateTime.isDateTime($now)",
      }),
    ).toEqual({
      add: "2024-02-29",
      zone: "2024-03-10T03:30:00.000-04:00",
      words: "1 mai 2024",
      locale: "May 1, 2024",
      difference: 29,
      relative: "3 hours ago",
      human: "2 hours, 3 minutes",
      interval: 7,
      invalid: false,
      is: true,
    })
  })

  it("formats and orders as browsers do, in American English where nothing is said", async () => {
    expect(
      await values({
        number: "(1234567.891).toLocaleString()",
        german: "(1234567.891).toLocaleString('de-DE', { style: 'currency', currency: 'EUR' })",
        big: "(12345678901234567890n).toLocaleString('en-US')",
        infinite: "[NaN, Infinity, -0].map((n) => new Intl.NumberFormat('en').format(n))",
        date: "new Date(0).toLocaleDateString('en-GB', { weekday: 'long', month: 'long', day: 'numeric' })",
        parts: "new Intl.DateTimeFormat('en-US').formatToParts(0).length",
        bound: "[1, 2].map(new Intl.NumberFormat('en', { minimumFractionDigits: 1 }).format)",
        plural: "['one', 'other'].includes(new Intl.PluralRules('en').select(1))",
        list: "new Intl.ListFormat('en').format(['a', 'b', 'c'])",
        words: "[...new Intl.Segmenter('en', { granularity: 'word' }).segment('a b')].length",
        sorted: "['b', 'a', 'B', 'ä', '1', 'A', 'z', 'a b', '-'].sort((x, y) => x.localeCompare(y)).join()",
        swedish: "['ä', 'z', 'a'].sort((x, y) => x.localeCompare(y, 'sv')).join('')",
        numeric: "['10', '9'].sort(new Intl.Collator('en', { numeric: true }).compare)",
        zone: "new Intl.DateTimeFormat().resolvedOptions().timeZone",
      }),
    ).toEqual({
      number: "1,234,567.891",
      german: "1.234.567,89\u00a0€",
      big: "12,345,678,901,234,567,890",
      infinite: ["NaN", "∞", "-0"],
      date: "Thursday 1 January",
      parts: 5,
      bound: ["1.0", "2.0"],
      plural: true,
      list: "a, b, and c",
      words: 3,
      sorted: "-,1,a,A,ä,a b,b,B,z",
      swedish: "azä",
      numeric: ["9", "10"],
      zone: "UTC",
    })
    expect((await failure("new Intl.NumberFormat('en', { style: 'currency' })")).message).toContain("urrency")
    expect(
      await value("try { (1).toLocaleString('not a locale') } catch (e) { return { is: e instanceof RangeError } }"),
    ).toEqual({ is: true })
  })

  it("orders plain texts as the host's collator does", async () => {
    const letters = "aAbBzZ019 "
    let state = 1
    const next = (below: number): number => {
      state = (state * 48_271) % 2_147_483_647
      return state % below
    }
    const text = (): string => Array.from({ length: next(5) }, () => letters[next(letters.length)]).join("")
    const pairs = Array.from({ length: 400 }, () => [text(), text()])
    const collator = new Intl.Collator("en-US")
    const expected = pairs.map(([left = "", right = ""]) => Math.sign(collator.compare(left, right)))
    const code = "return { signs: $json.pairs.map(([l, r]) => Math.sign(l.localeCompare(r))) }"
    expect(await value(code, { items: [{ pairs }] })).toEqual({ signs: expected })
  })
})

describe("bytes and texts", () => {
  it("go through Buffer as in Node", async () => {
    const text = "Zoë € 😀 \u0000"
    const codes = ["utf8", "hex", "base64", "base64url", "latin1", "binary", "utf16le", "ucs2", "ascii"] as const
    const code = `return { each: ${JSON.stringify(codes)}.map((e) => [Buffer.from($json.text, e).toString("hex"), Buffer.from($json.text).toString(e)]) }`
    const expected = codes.map((name) => [Buffer.from(text, name).toString("hex"), Buffer.from(text).toString(name)])
    expect(await value(code, { items: [{ text }] })).toEqual({ each: expected })
  })

  it("decode broken UTF-8 as the platform does", async () => {
    const bytes = [
      0x61, 0xff, 0xc3, 0x28, 0xe2, 0x82, 0xed, 0xa0, 0x80, 0xf0, 0x9f, 0x98, 0x80, 0xf4, 0x90, 0x80, 0x80, 0xc0, 0x80,
      0xe2,
    ]
    expect(await value("return { t: Buffer.from($json.bytes).toString() }", { items: [{ bytes }] })).toEqual({
      t: new TextDecoder().decode(new Uint8Array(bytes)),
    })
  })

  it("has the methods that workflows use", async () => {
    expect(
      await values({
        is: "[Buffer.isBuffer(Buffer.alloc(1)), Buffer.isBuffer(new Uint8Array(1))]",
        joined: "Buffer.concat([Buffer.from('a'), Buffer.from('bc')]).toString()",
        length: "[Buffer.byteLength('é'), Buffer.from('é').length]",
        equal: "Buffer.from('a').equals(Buffer.from('a'))",
        part: "Buffer.from('hello').subarray(1, 3).toString() + Buffer.from('hello').slice(-2)",
        json: "JSON.parse(JSON.stringify(Buffer.from([1, 2])))",
        filled: "Buffer.alloc(3, 'ab').toString()",
        coded: "new TextDecoder().decode(new TextEncoder().encode('é😀'))",
        base64: "[btoa('hi'), atob('aGk=')]",
        query: "$jmespath({ a: [{ b: 1 }, { b: 2 }] }, 'a[?b > `1`].b')",
      }),
    ).toEqual({
      is: [true, false],
      joined: "abc",
      length: [2, 2],
      equal: true,
      part: "ello",
      json: { type: "Buffer", data: [1, 2] },
      filled: "aba",
      coded: "é😀",
      base64: ["aGk=", "hi"],
      query: [2],
    })
  })
})

describe("the workflow around code", () => {
  const item = (n: number) => ({ json: { n } })
  const answer = (asked: unknown) => {
    const {
      ask,
      node,
      run: which,
      from = 0,
      count = 0,
    } = asked as { ask: string; node?: string; run?: number | null; from?: number; count?: number }
    if (node === "Nobody") return { refused: "There is no node of that name." }
    if (ask === "node")
      return { value: { params: { p: 1 }, isExecuted: node !== "Later", runIndex: 2, context: { left: 1 } } }
    if (ask === "items") return { value: [item(1), item(2), item(10 * (which ?? 0))] }
    if (ask === "input") return { value: { params: { from: "before" }, context: null } }
    if (ask === "parameters") return { value: { jsCode: "x" } }
    if (ask === "static-data") return { value: { node: { seen: 1 }, global: {} } }
    const places = Array.from({ length: count }, (_, index) =>
      from + index === 3 ? "It is lost." : (from + index) % 2,
    )
    return { value: { items: [item(100), item(101)], places } }
  }

  it("is there on demand, and asked for once", async () => {
    const asked: unknown[] = []
    const outcome = await values(
      {
        all: "$('A').all().length + $('A').all().length",
        ends: "[$('A').first().json.n, $('A').last(0, 2).json.n]",
        own: "[$('A').item.json.n, $('A').itemMatching(1).json.n, $('A').pairedItem(0).json.n]",
        params: "[$('A').params.p, $('A').context.left, $('A').isExecuted, $('Later').isExecuted]",
        legacy: "[$node['A'].json.n, $node['A'].runIndex, $node.A.params.p, $items('A').length, $items().length]",
        input: "[$input.params.from, $input.context, $parameter.jsCode]",
      },
      {
        answer(question: unknown) {
          asked.push(question)
          return answer(question)
        },
      },
    )
    expect(outcome).toEqual({
      all: 6,
      ends: [1, 20],
      own: [100, 101, 100],
      params: [1, 1, true, false],
      legacy: [100, 2, 1, 3, 1],
      input: ["before", {}, "x"],
    })
    expect(new Set(asked.map((question) => JSON.stringify(question))).size).toBe(asked.length)
  })

  it("costs nothing where it is not asked for", async () => {
    let count = 0
    await value("return { a: typeof $, b: typeof $node, c: $input.all().length }", {
      answer(question: unknown) {
        count += 1
        return answer(question)
      },
    })
    expect(count).toBe(0)
  })

  it("is asked for the ancestors of many items at a time", async () => {
    let count = 0
    const items = Array.from({ length: 450 }, () => ({}))
    const outcome = await run("return { n: $('A').item.json.n }", {
      items: items.filter((_, index) => index !== 3),
      mode: "each",
      keepsGoing: true,
      answer(question) {
        count += 1
        return answer(question)
      },
    })
    expect(outcome).toMatchObject({ status: "completed" })
    const results = outcome.status === "completed" ? outcome.results : []
    expect(results[0]).toMatchObject({ value: { n: 100 } })
    expect(results[3]).toMatchObject({ failure: { code: "CODE_ERROR", message: "It is lost." } })
    expect(results[448]).toMatchObject({ value: { n: 100 } })
    // One question about the node, and one for each two hundred items.
    expect(count).toBe(4)
  })

  it("throws what the workflow refuses, where the code can catch it", async () => {
    expect(await failure("return $('Nobody').all()", { answer })).toMatchObject({
      message: "There is no node of that name.",
      line: 1,
    })
    expect(await value("try { $('Nobody') } catch (e) { return { e: e.message } }", { answer })).toEqual({
      e: "There is no node of that name.",
    })
  })

  it("keeps static data, and gives back what the code made of it", async () => {
    const code =
      "const own = $getWorkflowStaticData('node'); own.seen += 1; own.bad = undefined; return { seen: own.seen }"
    expect(await run(code, { answer })).toMatchObject({ staticData: { node: { seen: 2 }, global: {} } })
    expect(await run("return {}", { answer })).toMatchObject({ staticData: null })
    expect((await failure("$getWorkflowStaticData('else')", { answer })).message).toContain("global")
    expect((await failure("$getWorkflowStaticData('node').big = 1n; return []", { answer })).message).toContain("JSON")
  })

  it("has names of its own for the execution, and notes that nobody keeps", async () => {
    const variables = {
      $runIndex: 3,
      $workflow: { id: "flow_1", name: "W" },
      $execution: { id: "run_1", mode: "test" },
    }
    const code =
      "$execution.customData.set('k', 1); return { r: $runIndex, w: $workflow.name, e: $execution.id, n: $execution.customData.getAll() }"
    expect(await value(code, { variables })).toEqual({ r: 3, w: "W", e: "run_1", n: { k: "1" } })
  })
})

describe("what is not there", () => {
  it.each([
    ["require('fs')", "Module 'fs' is disallowed"],
    ["require('crypto')", "disallowed"],
    ["await import('fs')", "Modules cannot be imported"],
    ["await import('luxon')", "Modules cannot be imported"],
    ["await import('./main.mjs')", "Modules cannot be imported"],
    ["setTimeout(() => {}, 1)", "Wait node"],
    ["setInterval(() => {}, 1)", "Wait node"],
    ["await this.helpers.httpRequest({ url: 'http://127.0.0.1' })", "httpRequest node"],
    ["$helpers.request('x')", "httpRequest node"],
    ["$env.PATH", "environment"],
    ["fetch('http://127.0.0.1')", "fetch"],
    ["new URL('http://127.0.0.1')", "URL"],
  ])("%s says so", async (code, words) => {
    const { code: cause, message } = await failure(code)
    expect(cause).toBe("CODE_ERROR")
    expect(message).toContain(words)
  })

  it("are the names of other platforms", async () => {
    const names = [
      "process",
      "global",
      "module",
      "exports",
      "__dirname",
      "Deno",
      "window",
      "document",
      "XMLHttpRequest",
      "WebSocket",
      "WebAssembly",
      "postMessage",
      "brevetHost",
      "host",
      "jmespath",
      "std",
      "os",
      "bjson",
      "print",
      "scriptArgs",
    ]
    const code = `return { there: ${JSON.stringify(names)}.filter((name) => name in globalThis) }`
    expect(await value(code)).toEqual({ there: [] })
    expect(
      await value("return { sum: typeof [].sum, title: typeof ''.toTitleCase, timer: typeof setTimeout }"),
    ).toEqual({
      sum: "undefined",
      title: "undefined",
      timer: "function",
    })
  })
})
