/**
 * Everything by which code has got out of sandboxes, or held up what they run in: tried here one by one, each followed by a
 * run that has to find everything as it was.
 *
 * Escapes give `{ out: … }`: what they got hold of beyond the guest's own world. Bombs have to end with CODE_LIMIT or an
 * error, whatever they are made of, and leave a sandbox that works.
 */
import { describe, expect, it } from "vitest"
import { useSandbox } from "../../testing/sandbox.ts"

const { run, value, failure, lines } = useSandbox({ size: 1 })

/** Words that only the server's side of the wall has. */
const traces = /node:|file:\/\/|\/packages\/|\/node_modules\/|worker_threads|process\.|emscripten|wasm-function/

/** What a run finds, which no run before may have changed. */
const pristine = `
  const names = Object.getOwnPropertyNames(globalThis).sort()
  return { count: names.length, own: Object.getOwnPropertyNames(Object.prototype).length, left: globalThis.left ?? null,
    array: [3, 1, 2].map((n) => n).sort().join(), json: JSON.stringify({ a: [1] }), now: Date.now(), random: Math.random(),
    text: "ab".replace("a", "b"), luxon: $now.toISO(), polluted: ({}).polluted ?? null, promise: await Promise.resolve(7) }`

async function expectPristine(): Promise<void> {
  expect(await value(pristine)).toEqual({
    count: expect.any(Number),
    own: 12,
    left: null,
    array: "1,2,3",
    json: '{"a":[1]}',
    now: Date.UTC(2024, 4, 1, 12, 30),
    random: 0.011704753153026104,
    text: "bb",
    luxon: "2024-05-01T12:30:00.000Z",
    polluted: null,
    promise: 7,
  })
}

describe("an escape", () => {
  it.each([
    // The constructor walk of vm, vm2, n8n and Flowise: from any object to a function of the host.
    ["the constructor of a function", "return { out: this.constructor.constructor('return typeof process')() }"],
    ["the constructor of an object", "return { out: ({}).constructor.constructor('return typeof process')() }"],
    ["the constructor of a text", "return { out: ''.sub.constructor('return typeof process')() }"],
    ["the constructor of the items", "return { out: items.constructor.constructor('return typeof process')() }"],
    ["the constructor of an item's json", "return { out: $json.constructor.constructor('return typeof process')() }"],
    ["the constructor of $input", "return { out: $input.constructor.constructor('return typeof process')() }"],
    ["the constructor of $", "return { out: $.constructor('return typeof process')() }"],
    ["the constructor of console.log", "return { out: console.log.constructor('return typeof process')() }"],
    ["the constructor of luxon", "return { out: DateTime.constructor('return typeof process')() }"],
    [
      "the constructor of a promise's then",
      "return { out: Promise.resolve().then.constructor('return typeof process')() }",
    ],
    [
      "an async function's constructor",
      "return { out: await (async () => {}).constructor('return typeof process')() }",
    ],
    [
      "a generator's constructor",
      "return { out: (function* () {}).constructor('yield typeof process')().next().value }",
    ],
    [
      "an async generator's constructor",
      "return { out: (await (async function* () {}).constructor('yield typeof process')().next()).value }",
    ],
    ["eval", "return { out: eval('typeof process') }"],
    ["indirect eval", "return { out: (0, eval)('typeof process') }"],
    ["Function", "return { out: Function('return typeof process')() }"],
    ["Reflect.construct", "return { out: Reflect.construct(Function, ['return typeof process'])() }"],
    ["this of a plain function", "return { out: (function () { return typeof this.process })() }"],
    ["globalThis", "return { out: typeof globalThis.process }"],
    [
      "the caller of a function",
      "function f() { try { return f.caller } catch { return null } }; return { out: typeof f()?.process }",
    ],
    [
      "arguments.callee.caller",
      "const f = function () { return arguments.callee.caller }; try { return { out: typeof f()?.process } } catch { return { out: 'undefined' } }",
    ],
    [
      "a getter by __lookupGetter__",
      "return { out: typeof ({}).__lookupGetter__('__proto__').call(globalThis)?.process }",
    ],
    ["the prototype of the global", "return { out: typeof Object.getPrototypeOf(globalThis).process }"],
    [
      "require of a module of the host",
      "try { return { out: typeof require('child_process') } } catch { return { out: 'undefined' } }",
    ],
    ["require's own constructor", "return { out: require.constructor('return typeof process')() }"],
    [
      "process by the main module",
      "try { return { out: typeof this.process.mainModule } } catch { return { out: 'undefined' } }",
    ],
    ["import()", "try { return { out: typeof (await import('node:fs')) } } catch { return { out: 'undefined' } }"],
    [
      "import() of a file of the guest",
      "try { return { out: typeof (await import('./host.mjs')).host } } catch { return { out: 'undefined' } }",
    ],
    [
      "import() by a data address",
      "try { return { out: typeof (await import('data:text/javascript,export default 1')) } } catch { return { out: 'undefined' } }",
    ],
    [
      "import() within eval",
      "try { return { out: typeof (await eval('import(\"./main.mjs\")')) } } catch { return { out: 'undefined' } }",
    ],
    ["WebAssembly", "return { out: typeof WebAssembly }"],
    [
      "timers of the host",
      "try { return { out: typeof setTimeout('process', 0) } } catch { return { out: 'undefined' } }",
    ],
    [
      "prepareStackTrace",
      "let out = 'undefined'; Error.prepareStackTrace = (_, frames) => { try { out = typeof frames[0].getThis()?.process } catch {} return '' }; try { null.x } catch (e) { void e.stack } return { out }",
    ],
    [
      "the species of an array",
      "class A extends Array { static get [Symbol.species]() { return Function } }; return { out: A.from([1]).map(String).constructor('return typeof process')() }",
    ],
    [
      "a proxy's handler that gets host objects",
      "let out = 'undefined'; const p = new Proxy(function () {}, { apply(_t, self) { out = typeof self?.process } }); [1].forEach(p); return { out }",
    ],
    [
      "a thenable whose then is given functions of the host",
      "let out = 'undefined'; await { then(go) { out = go.constructor('return typeof process')(); go() } }; return { out }",
    ],
    [
      "a rejected promise's handlers",
      "let out; await Promise.reject(1).catch(function () { out = this?.process }); return { out: typeof out }",
    ],
    ["symbols that stand for the host", "return { out: typeof globalThis[Symbol.for('nodejs.util.inspect.custom')] }"],
    [
      "a custom inspect",
      "let out = 'undefined'; console.log({ [Symbol.for('nodejs.util.inspect.custom')](_d, o) { out = typeof o } }); return { out }",
    ],
    [
      "Intl's own functions",
      "return { out: new Intl.NumberFormat('en').format.constructor('return typeof process')() }",
    ],
    [
      "options of Intl with getters",
      "let out = 'undefined'; new Intl.NumberFormat('en', { get style() { out = typeof this.process; return undefined } }); return { out }",
    ],
    [
      "methods that Intl does not have",
      "try { Intl.NumberFormat.prototype.constructor.call({}, 'en'); return { out: 'undefined' } } catch { return { out: 'undefined' } }",
    ],
    ["the function behind $jmespath", "return { out: $jmespath.constructor('return typeof process')() }"],
    ["custom data", "return { out: typeof $execution }"],
  ])("by %s finds nothing", async (_by, code) => {
    expect(await value(code)).toEqual({ out: "undefined" })
    await expectPristine()
  })

  it("by words of errors and their traces tells nothing of the server", async () => {
    const attempts = [
      "null.x",
      "await import('fs')",
      "new Intl.NumberFormat('x'.repeat(1e4))",
      "(1).toLocaleString('en', { style: 'no' })",
      "$('Nobody').all()",
      "require('fs')",
      "$jmespath({}, '[[[')",
      "DateTime.fromISO(Symbol())",
      "JSON.parse('{')",
      "new RegExp('(')",
      "Buffer.from({})",
      "(function f() { f() })()",
    ]
    const code = `const told = []
      for (const attempt of ${JSON.stringify(attempts)}) {
        try { await eval("(async () => {" + attempt + "})()") } catch (e) { told.push(String(e), String(e.stack), JSON.stringify(Object.getOwnPropertyDescriptors(e))) }
      }
      return { told }`
    const { told } = (await value(code)) as { told: string[] }
    expect(told).toHaveLength(attempts.length * 3)
    expect(told.filter((words) => traces.test(words))).toEqual([])
  })

  it("by the names of the guest's own functions finds only what code may have", async () => {
    const code = `const seen = new Set(), open = [[globalThis, "globalThis"]], found = []
      while (open.length > 0 && seen.size < 20000) {
        const [thing, path] = open.pop()
        if ((typeof thing !== "object" && typeof thing !== "function") || thing === null || seen.has(thing)) continue
        seen.add(thing)
        for (const key of Reflect.ownKeys(thing)) {
          const name = String(key)
          if (/^(ask|report|intl|isMemoryFull|brevetHost|start)$/.test(name) && typeof thing[key] === "function") found.push(path + "." + name)
          try { open.push([thing[key], path + "." + name]) } catch {}
        }
        try { open.push([Object.getPrototypeOf(thing), path + ".__proto__"]) } catch {}
      }
      return { found, seen: seen.size > 500 }`
    expect(await value(code)).toEqual({ found: [], seen: true })
  })
})

describe("a result that is a trap", () => {
  it.each([
    ["a getter that throws", "return { get a() { throw new Error('x') } }", "failed"],
    ["a getter that changes", "let n = 0; return { get a() { return n++ } }", "completed"],
    ["a proxy", "return new Proxy({ a: 1 }, {})", "completed"],
    ["a proxy whose traps throw", "return new Proxy({}, { ownKeys() { throw 1 } })", "failed"],
    ["a proxy that is revoked", "const { proxy, revoke } = Proxy.revocable([], {}); revoke(); return proxy", "failed"],
    [
      "a proxy of a list that is endless",
      "return new Proxy([], { get: (t, k) => (k === 'length' ? 2 ** 50 : 1) })",
      "failed",
    ],
    [
      "a proxy in a proxy in a proxy",
      "let p = { a: 1 }; for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); return p",
      "failed",
    ],
    ["toJSON that gives itself", "const a = { toJSON() { return a } }; return a", "completed"],
    [
      "toJSON that gives ever more",
      "const make = () => ({ toJSON: () => ({ next: make() }) }); return make()",
      "failed",
    ],
    ["toJSON of all objects", "Object.prototype.toJSON = () => 'mine'; return { a: 1 }", "completed"],
    ["a prototype that is a key", 'return JSON.parse(\'{"__proto__": { "polluted": 1 }, "a": 1 }\')', "completed"],
    [
      "a prototype that is a key of an item",
      'return [{ json: JSON.parse(\'{"__proto__": { "polluted": 1 } }\') }]',
      "completed",
    ],
    [
      "a prototype that is a key in escapes",
      'return JSON.parse(\'{"\\\\u005f_proto__": { "polluted": 1 } }\')',
      "completed",
    ],
    ["a list with a length of its own", "return Object.assign([], { length: 2 ** 32 - 1 })", "failed"],
    ["a list full of holes", "return Array(1e5)", "completed"],
    ["a circle", "const a = []; a.push(a); return a", "failed"],
    ["data that is nested too deeply", "let a = {}; for (let i = 0; i < 200; i++) a = { a }; return a", "failed"],
    ["data that is nested far too deeply", "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return a", "failed"],
    ["a text that is too long", "return { a: 'x'.repeat(3e7) }", "failed"],
    ["a text of quotes and slashes", "return { a: '\\\\\"'.repeat(1e5) }", "completed"],
    ["a text that looks like a report", 'return { a: \'"}],"staticData":{}}{"status":"failed"\' }', "completed"],
    [
      "a promise of a promise of a promise",
      "let p = 1; for (let i = 0; i < 1000; i++) p = Promise.resolve().then(() => p); return { p: 1 }",
      "completed",
    ],
    ["a thenable that never calls back", "return { then() {} }", "failed"],
    ["a thenable that calls back twice", "return { then(go, no) { go({ a: 1 }); no(2); go(3) } }", "completed"],
    ["an error with a poisoned message", "throw { get message() { throw new Error('again') } }", "failed"],
    ["an error with a message that is no text", "throw { message: { toString() { throw 1 } } }", "failed"],
    [
      "an error with a poisoned trace",
      "const e = new Error('x'); Object.defineProperty(e, 'stack', { get() { throw 1 } }); throw e",
      "failed",
    ],
    ["an error with a huge message", "throw new Error('x'.repeat(2e7))", "failed"],
    [
      "an error that is a proxy",
      "throw new Proxy(new Error('x'), { get() { throw 1 }, getPrototypeOf() { throw 2 } })",
      "failed",
    ],
    ["an error that cannot become text", "throw Object.create(null)", "failed"],
    [
      "an error with a trace that lies",
      "const e = new Error('x'); e.stack = 'at <input>:999999999:1'; throw e",
      "failed",
    ],
    ["an error of the engine's own class", "throw new InternalError('out of memory')", "failed"],
  ])("is told of as what it is: %s", async (_what, code, status) => {
    // What ends well has all the time that there is.
    const outcome = await run(code, status === "failed" ? { bounds: { timeMs: 500 } } : {})
    expect(outcome.status).toBe(status)
    if (outcome.status === "failed") {
      expect(outcome.failure.message.length).toBeLessThan(2_100)
      expect(outcome.failure.message).not.toMatch(traces)
    }
    expect(JSON.stringify(outcome)).not.toContain("polluted")
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    await expectPristine()
  })
})

describe("tampering", () => {
  it.each([
    [
      "globals",
      "for (const k of Object.getOwnPropertyNames(globalThis)) try { globalThis[k] = null } catch {} return null",
    ],
    [
      "deleted globals",
      "for (const k of Object.getOwnPropertyNames(globalThis)) try { delete globalThis[k] } catch {} return null",
    ],
    ["JSON", "JSON.stringify = () => '{}'; JSON.parse = () => { throw 1 }; return { a: 1 }"],
    [
      "methods of lists",
      "for (const k of Object.getOwnPropertyNames(Array.prototype)) if (k !== 'constructor' && k !== 'length') Array.prototype[k] = () => { throw k }; return { a: 1 }",
    ],
    [
      "the iterator of lists",
      "Array.prototype[Symbol.iterator] = function* () { yield* ['evil'] }; return [{ json: undefined }]",
    ],
    [
      "methods of texts",
      "for (const k of Object.getOwnPropertyNames(String.prototype)) if (k !== 'length') String.prototype[k] = () => { throw k }; return { a: 1 }",
    ],
    [
      "methods of functions",
      "Function.prototype.call = Function.prototype.apply = Function.prototype.bind = () => { throw 1 }; return { a: 1 }",
    ],
    ["toString of functions", "Function.prototype.toString = () => 'x'; return { a: 1 }"],
    ["methods of promises", "Promise.prototype.then = () => { throw 1 }; Promise.resolve = null; return { a: 1 }"],
    [
      "the constructor of promises",
      "Object.defineProperty(Promise.prototype, 'constructor', { get() { throw 1 } }); return { a: 1 }",
    ],
    [
      "methods of maps",
      "Map.prototype.get = Map.prototype.has = Map.prototype.set = () => { throw 1 }; return { a: 1 }",
    ],
    [
      "objects' prototype",
      "Object.prototype.polluted = 1; Object.prototype.refused = 'x'; Object.prototype.failure = 'x'; return { a: 1 }",
    ],
    [
      "getters on objects' prototype",
      "for (const k of ['value', 'type', 'text', 'failure', 'status']) Object.defineProperty(Object.prototype, k, { get() { return 'evil' }, set() {}, configurable: true }); return { a: 1 }",
    ],
    [
      "frozen objects",
      "for (const k of Object.getOwnPropertyNames(globalThis)) try { Object.freeze(globalThis[k]); Object.freeze(globalThis[k].prototype) } catch {} Object.freeze(globalThis); return { a: 1 }",
    ],
    [
      "Object.defineProperty",
      "Object.defineProperty = Object.getOwnPropertyNames = () => { throw 1 }; return { a: 1 }",
    ],
    ["Math and Date", "Math.random = () => 0.5; Date.now = () => 0; Date = null; return { a: 1 }"],
    [
      "luxon's settings",
      "DateTime.now().constructor.prototype.toISO = () => 'x'; DateTime.now = () => null; return { a: 1 }",
    ],
    ["the console", "console.log = null; console = 1; return { a: 1 }"],
    ["symbols", "Object.defineProperty(Function.prototype, Symbol.hasInstance, { value: () => true }); throw 'x'"],
    [
      "InternalError",
      "InternalError = Error; Object.defineProperty(globalThis, 'Error', { get() { throw 1 } }); throw 'x'",
    ],
    ["Regular expressions", "RegExp.prototype.exec = RegExp.prototype.test = () => { throw 1 }; throw new Error('x')"],
    ["left on the global", "globalThis.left = 'here'; items.left = 'here'; return { a: 1 }"],
    [
      "jobs that go on after the result",
      "Promise.resolve().then(async () => { for (;;) { globalThis.left = 1; await null } }); return { a: 1 }",
    ],
    [
      "finalizers",
      "const f = new FinalizationRegistry(() => { globalThis.left = 1 }); for (let i = 0; i < 1e4; i++) f.register({}, 1); return { a: 1 }",
    ],
  ])("with %s ends with the run", async (_with, code) => {
    const outcome = await run(code, { bounds: { timeMs: 5_000 } })
    expect(["completed", "failed"]).toContain(outcome.status)
    if (code.endsWith("return { a: 1 }") && outcome.status === "completed") {
      expect(outcome.results).toEqual([{ type: "object", value: { a: 1 } }])
    }
    await expectPristine()
  })
})

describe("a bomb", () => {
  /** Ends by time, memory, stack or output, whichever comes first; what is deaf is ended a second after its time. */
  const bounds = { timeMs: 400 }

  it.each([
    ["an endless loop", "for (;;) ;"],
    ["an endless loop that catches", "for (;;) { try { for (;;) ; } catch {} finally { continue } }"],
    ["an endless loop within a finally", "try { throw 1 } finally { for (;;) ; }"],
    ["an endless chain of promises", "await (async function f() { await null; return f() })()"],
    [
      "promises that never end, beside code that waits",
      "const f = () => Promise.resolve().then(f); f(); await new Promise(() => {})",
    ],
    ["an endless await", "for (;;) await null"],
    ["an endless generator", "for (const x of (function* () { for (;;) yield 1 })()) ;"],
    ["an endless async generator", "for await (const x of (async function* () { for (;;) yield 1 })()) ;"],
    ["an endless spread", "[...(function* () { for (;;) yield 1 })()]"],
    ["an endless getter", "return { get a() { for (;;) ; } }"],
    ["an endless toJSON", "return { toJSON() { for (;;) ; } }"],
    ["an endless toString of an error", "throw { get message() { for (;;) ; } }"],
    ["an endless trap of a proxy", "return new Proxy({}, { ownKeys() { for (;;) ; } })"],
    ["an endless comparison", "[1, 2, 3].sort(() => { for (;;) ; })"],
    ["an endless replacement", "'aa'.replace(/a/g, () => { for (;;) ; })"],
    ["recursion", "(function f() { f() })()"],
    ["recursion that is caught each time", "(function f() { try { f() } catch { f() } })()"],
    ["recursion of two", "const a = () => b(), b = () => a(); a()"],
    ["recursion of getters", "const o = { get x() { return this.x } }; o.x"],
    ["recursion of proxies", "const p = new Proxy({}, { get: (_t, k, r) => r[k] }); p.x"],
    ["recursion of toString", "const o = { toString() { return '' + o } }; '' + o"],
    ["recursion within sort", "(function f() { [1, 2].sort(f) })()"],
    ["recursion within replace", "(function f() { 'a'.replace('a', f) })()"],
    ["recursion within JSON", "(function f() { JSON.stringify({ toJSON: f }) })()"],
    ["recursion within Reflect", "(function f() { Reflect.apply(f, null, []) })()"],
    ["recursion within bound functions", "let f = () => 1; for (let i = 0; i < 1e6; i++) f = f.bind(null); f()"],
    ["recursion of classes", "class A { constructor() { new A() } } new A()"],
    ["source that is nested deeply", "eval('['.repeat(1e5))"],
    ["source of many brackets", "eval('('.repeat(1e5) + ')'.repeat(1e5))"],
    ["source of many functions", "eval('()=>'.repeat(1e5) + '1')"],
    ["JSON that is nested deeply", "JSON.parse('['.repeat(1e6))"],
    ["a pattern that goes back and back", "/^(a+)+$/.test('a'.repeat(40) + 'b')"],
    [
      "a pattern with look-around that goes back",
      "/(?=(a+))*b/.test('a'.repeat(1e6)); /(a*)*\\1b/.test('a'.repeat(50))",
    ],
    ["a pattern that is huge", "new RegExp('(a'.repeat(1e5) + ')'.repeat(1e5))"],
    ["a text that doubles", "let s = 'a'; for (;;) s += s"],
    ["a text that is repeated", "'x'.repeat(2 ** 30 - 1).repeat(10)"],
    ["a text that is padded", "'x'.padEnd(2 ** 31)"],
    ["a list that grows", "const a = []; for (;;) a.push({ a })"],
    ["a list that is filled", "new Array(2 ** 32 - 1).fill(0)"],
    ["a list that is joined", "new Array(2 ** 32 - 1).join('abc')"],
    ["a list made from a length", "Array.from({ length: 1e12 })"],
    ["a list that flattens", "const a = []; a[0] = a; a.flat(Infinity)"],
    ["a list that concatenates itself", "let a = [1]; for (;;) a = a.concat(a)"],
    ["bytes", "const all = []; for (;;) all.push(new Uint8Array(1e7))"],
    ["one block of bytes", "new ArrayBuffer(2 ** 32 - 1)"],
    ["a map that grows", "const m = new Map(); for (let i = 0; ; i++) m.set(i, {})"],
    ["closures", "const all = []; for (let i = 0; ; i++) all.push(() => i)"],
    ["promises that wait", "const all = []; for (;;) all.push(new Promise(() => {}))"],
    ["jobs", "for (;;) Promise.resolve().then(() => {})"],
    ["symbols", "const all = []; for (let i = 0; ; i++) all.push(Symbol.for('x' + i))"],
    ["a number without end", "let n = 2n; for (;;) n *= n"],
    ["a number with many digits", "BigInt('9'.repeat(3e6)).toString()"],
    ["the language of numbers", "for (;;) (1e300).toLocaleString('en', { minimumFractionDigits: 20 })"],
    ["many languages", "for (let i = 0; ; i++) new Intl.NumberFormat('en-u-nu-latn-x-' + i)"],
    ["words in a row", "new Intl.Segmenter('en').segment('a '.repeat(5e6))"],
    ["dates", "for (;;) DateTime.now().plus({ days: 1 }).toISO()"],
    ["waiting by a shared place", "Atomics.wait(new Int32Array(new SharedArrayBuffer(8)), 0, 0)"],
    ["sorting what is endless", "new Array(2 ** 32 - 1).sort()"],
    ["searching what is endless", "Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)"],
    ["questions without end", "for (let i = 0; ; i++) try { $('N' + i) } catch {}"],
    ["questions that are too long", "$('x'.repeat(3e7))"],
    ["results without end", "return Array.from({ length: 3e5 }, (_, i) => ({ i, text: 'x'.repeat(100) }))"],
  ])("of %s is put out", async (_of, code) => {
    const { code: cause } = await failure(code, { bounds })
    expect(["CODE_LIMIT", "CODE_ERROR"]).toContain(cause)
    await expectPristine()
  })

  it.each([
    ["the console", "for (let i = 0; i < 1e5; i++) console.log('x'.repeat(1000), i)"],
    ["one line of the console", "console.log('x'.repeat(1e7)); console.log(Array(1e5).fill('y'))"],
  ])("of %s leaves a console of bounded size", async (_of, code) => {
    const { console: kept } = await run(code, { bounds: { timeMs: 5_000 } })
    expect(kept.length).toBeLessThanOrEqual(501)
    expect(JSON.stringify(kept).length).toBeLessThan(200_000)
    await expectPristine()
  })

  it("of memory leaves what other runs may have untouched", async () => {
    for (let round = 0; round < 3; round += 1) {
      expect(await failure("const a = []; for (;;) a.push(new Array(1e4).fill(round = 1))")).toMatchObject({
        code: expect.any(String),
      })
      expect(await value("return { n: new Array(1e6).fill(7).length, t: 'x'.repeat(1e7).length }")).toEqual({
        n: 1e6,
        t: 1e7,
      })
    }
  })

  it("tells of memory, time, stack and output in their own words", async () => {
    const limits = {
      "for (;;) ;": /longer than/,
      "const a = []; for (;;) a.push(new Array(1e4).fill(1))": /memory/,
      "(function f() { f() })()": /stack|deeply/,
      "return { a: 'x'.repeat(2e7) }": /characters/,
      "let a = {}; for (let i = 0; i < 200; i++) a = { a }; return a": /nested/,
    }
    for (const [code, words] of Object.entries(limits)) {
      const { code: cause, message } = await failure(code, code.startsWith("for") ? { bounds } : {})
      expect([code, cause]).toEqual([code, "CODE_LIMIT"])
      expect(message).toMatch(words)
    }
  })

  it("never brought a thread down by itself", () => {
    expect(lines).toEqual([])
  })
})
