/**
 * What each operator of a condition means, by the type it compares in. Values have passed `typed.ts`: they are of the
 * operator's type, or undefined where they are missing. Names are those of n8n's filter parameter; what holds for missing
 * values is recorded.
 */
import { matchesPattern } from "./setting-pattern.ts"

/** The types that an operator can compare in. */
export type ValueType = "string" | "number" | "boolean" | "dateTime" | "array" | "object" | "any"

/** The two sides of a comparison. Dates are instants in milliseconds. */
export type Sides = { readonly left: unknown; readonly right: unknown; readonly ignoreCase: boolean }

/** One operator. `unary`: there is no right side. */
export type Operator = { readonly unary: boolean; holds(sides: Sides): boolean }

const unary = (holds: (left: unknown) => boolean): Operator => ({ unary: true, holds: ({ left }) => holds(left) })
const binary = (holds: (sides: Sides) => boolean): Operator => ({ unary: false, holds })
const not = ({ unary: isUnary, holds }: Operator): Operator => ({
  unary: isUnary,
  holds: (sides) => !holds(sides),
})

/** Pairs of an operator and its opposite. */
function withOpposites(pairs: Readonly<Record<string, readonly [opposite: string, operator: Operator]>>) {
  return Object.entries(pairs).flatMap(([name, [opposite, operator]]): [string, Operator][] => [
    [name, operator],
    [opposite, not(operator)],
  ])
}

const isMissing = (value: unknown): boolean => value === undefined || value === null

function isEmpty(value: unknown): boolean {
  if (isMissing(value) || value === "") return true
  if (Array.isArray(value)) return value.length === 0
  return typeof value === "object" && value !== null && !(value instanceof Date) && Object.keys(value).length === 0
}

/** Operators of every type. */
const general = withOpposites({
  exists: ["notExists", unary((left) => !isMissing(left))],
  empty: ["notEmpty", unary(isEmpty)],
})

const same = binary(({ left, right }) => left === right)

/** A side as text; what is missing is the empty text. */
const text = (value: unknown): string => (typeof value === "string" ? value : "")
const textual = (holds: (left: string, right: string) => boolean): Operator =>
  binary(({ left, right, ignoreCase }) =>
    ignoreCase ? holds(text(left).toLowerCase(), text(right).toLowerCase()) : holds(text(left), text(right)),
  )

const ordered = (holds: (left: number, right: number) => boolean): Operator =>
  binary(({ left, right }) => typeof left === "number" && typeof right === "number" && holds(left, right))

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
const lengthOf = (holds: (length: number, right: number) => boolean): Operator =>
  binary(({ left, right }) => typeof right === "number" && holds(list(left).length, right))

function contains({ left, right, ignoreCase }: Sides): boolean {
  if (!ignoreCase || typeof right !== "string") return list(left).includes(right)
  const sought = right.toLowerCase()
  return list(left).some((value) => typeof value === "string" && value.toLowerCase() === sought)
}

const byType: Readonly<Record<ValueType, ReadonlyMap<string, Operator>>> = {
  string: new Map([
    ...general,
    ...withOpposites({
      equals: ["notEquals", textual((left, right) => left === right)],
      contains: ["notContains", textual((left, right) => left.includes(right))],
      startsWith: ["notStartsWith", textual((left, right) => left.startsWith(right))],
      endsWith: ["notEndsWith", textual((left, right) => left.endsWith(right))],
      regex: [
        "notRegex",
        binary(({ left, right, ignoreCase }) => matchesPattern(text(left), text(right), { ignoreCase })),
      ],
    }),
  ]),
  number: new Map([
    ...general,
    ...withOpposites({ equals: ["notEquals", same] }),
    ["gt", ordered((left, right) => left > right)],
    ["lt", ordered((left, right) => left < right)],
    ["gte", ordered((left, right) => left >= right)],
    ["lte", ordered((left, right) => left <= right)],
  ]),
  boolean: new Map([
    ...general,
    ...withOpposites({
      true: ["false", unary((left) => left === true)],
      equals: ["notEquals", same],
    }),
  ]),
  dateTime: new Map([
    ...general,
    ...withOpposites({ equals: ["notEquals", same] }),
    ["after", ordered((left, right) => left > right)],
    ["before", ordered((left, right) => left < right)],
    ["afterOrEquals", ordered((left, right) => left >= right)],
    ["beforeOrEquals", ordered((left, right) => left <= right)],
  ]),
  array: new Map([
    ...general,
    ...withOpposites({
      contains: ["notContains", binary(contains)],
      lengthEquals: ["lengthNotEquals", lengthOf((length, right) => length === right)],
    }),
    ["lengthGt", lengthOf((length, right) => length > right)],
    ["lengthLt", lengthOf((length, right) => length < right)],
    ["lengthGte", lengthOf((length, right) => length >= right)],
    ["lengthLte", lengthOf((length, right) => length <= right)],
  ]),
  object: new Map(general),
  any: new Map([...general, ...withOpposites({ equals: ["notEquals", same] })]),
}

/** The operator of that name in that type; null where there is none. */
export function findOperator(type: string, operation: string): Operator | null {
  return isValueType(type) ? (byType[type].get(operation) ?? null) : null
}

/** True for the name of a type that conditions know. */
export function isValueType(name: string): name is ValueType {
  return Object.hasOwn(byType, name)
}
