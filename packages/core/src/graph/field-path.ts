/**
 * Fields by their path: `address.city`, `list[0].v`, `['odd key'].x` (n8n's dot notation). Objects are copied where they
 * are changed, so that what was handed in stays as it was.
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts"

/** Steps that a path may have (ours). */
const stepsMax = 100
/** The highest index that is written in a list (ours): a list is as long as its highest index. */
const indexMax = 10_000

/** The steps of a path; null where it names a place that may not be written: `__proto__`, too deep, too high an index. */
export function parseFieldPath(path: string): readonly string[] | null {
  if (!/[.[\]]/.test(path)) return path === "" ? null : plainFieldPath(path)
  const steps = [...path.matchAll(/\[(?:'([^']*)'|"([^"]*)"|([^\]]*))\]|[^.[\]]+/g)].map(
    ([whole, single, double, bare]) => single ?? double ?? bare ?? whole,
  )
  return isAllowed(steps) ? steps : null
}

/** A name as one step, whatever it holds; null where it may not be written. */
export function plainFieldPath(name: string): readonly string[] | null {
  return isAllowed([name]) ? [name] : null
}

function isAllowed(steps: readonly string[]): boolean {
  const isBad = (step: string): boolean => step === "__proto__" || (isIndex(step) && Number(step) > indexMax)
  return steps.length > 0 && steps.length <= stepsMax && !steps.some(isBad)
}

const isIndex = (step: string): boolean => /^\d+$/.test(step)

/** The value at a path; undefined where there is none. */
export function readField(root: JsonObject, steps: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = root
  for (const step of steps) {
    if (Array.isArray(value)) value = isIndex(step) ? value[Number(step)] : undefined
    else if (isJsonObject(value) && Object.hasOwn(value, step)) value = value[step]
    else return undefined
  }
  return value
}

type Container = Record<string, JsonValue> | JsonValue[]

/** An object under change. */
export type FieldEditor = {
  /** Writes a value; what stands in the way and holds no fields is replaced (recorded outcome). */
  set(steps: readonly string[], value: JsonValue): void
  remove(steps: readonly string[]): void
  done(): JsonObject
}

/** Begins to change an object. The object itself, and all that it holds, stay untouched. */
export function editFields(base: JsonObject): FieldEditor {
  const root: Record<string, JsonValue> = { ...base }
  const owned = new Set<object>([root])
  return {
    set(steps, value) {
      const [only] = steps
      if (steps.length === 1 && only !== undefined) {
        root[only] = value
        return
      }
      let container: Container = root
      steps.forEach((step, index) => {
        if (index === steps.length - 1) put(container, step, value)
        else container = enter(container, step, { next: steps[index + 1] ?? "", owned })
      })
    },
    remove(steps) {
      const parent = readField(root, steps.slice(0, -1))
      const last = steps.at(-1)
      if (last === undefined || parent === undefined || readField(root, steps) === undefined) return
      let container: Container = root
      for (const step of steps.slice(0, -1)) container = enter(container, step, { next: "", owned })
      if (Array.isArray(container)) container[Number(last)] = null
      else delete container[last]
    },
    done: () => root,
  }
}

function put(container: Container, step: string, value: JsonValue): void {
  if (!Array.isArray(container)) container[step] = value
  else if (isIndex(step)) fill(container, Number(step), value)
}

/** A list without holes: places that were skipped are null, as JSON shows them. */
function fill(list: JsonValue[], index: number, value: JsonValue): void {
  while (list.length < index) list.push(null)
  list[index] = value
}

/** The container at a step, as a copy of our own; made where there is none. */
function enter(container: Container, step: string, options: { next: string; owned: Set<object> }): Container {
  const present = readField(container as JsonObject, [step])
  const isContainer = Array.isArray(present) ? isIndex(options.next) || options.next === "" : isJsonObject(present)
  if (isContainer && options.owned.has(present as object)) return present as Container
  const made = copyOf(isContainer ? present : undefined, options.next)
  options.owned.add(made)
  put(container, step, made as JsonValue)
  return made
}

function copyOf(present: JsonValue | undefined, next: string): Container {
  if (Array.isArray(present)) return [...(present as readonly JsonValue[])]
  if (isJsonObject(present)) return { ...present }
  return isIndex(next) ? [] : {}
}
