import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { JsonObject } from "../json.ts"
import { findMetadataFault, mergeMetadata, metadataField } from "./metadata.ts"

const fits = (value: unknown): boolean => metadataField.safeParse(value).success

describe("metadata", () => {
  it("may have 16 pairs, keys of 64 and values of 512 characters, and no more", () => {
    const pairs = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, place) => [`k${place}`, "v"]))
    expect(fits(pairs(16))).toBe(true)
    expect(fits(pairs(17))).toBe(false)
    expect(fits({ ["k".repeat(64)]: "v".repeat(512) })).toBe(true)
    expect(fits({ ["k".repeat(65)]: "v" })).toBe(false)
    expect(fits({ k: "v".repeat(513) })).toBe(false)
  })

  it("counts characters, not their halves", () => {
    expect(fits({ ["🌍".repeat(64)]: "🌍".repeat(512) })).toBe(true)
    expect(fits({ k: "🌍".repeat(513) })).toBe(false)
  })

  it("measures values that are no text as JSON, however deep they are", () => {
    expect(fits({ tags: ["a", "b"], nested: { a: { b: null } }, number: 1, yes: true })).toBe(true)
    expect(fits({ tags: Array.from({ length: 512 }, () => 1) })).toBe(false)
  })

  it("is an object: lists, texts and null are refused", () => {
    for (const value of [[], "x", 1, null, undefined]) expect(fits(value)).toBe(false)
  })

  it("keeps NUL and lone surrogates, and keys that objects have anyway", () => {
    const value = { "a\0": "\ud800", constructor: "c", toString: "t" }
    expect(metadataField.parse(value)).toEqual(value)
  })

  it("names the pair whose value is too long", () => {
    const result = metadataField.safeParse({ good: "x", bad: "x".repeat(600) })
    expect(result.error?.issues[0]).toMatchObject({ path: ["bad"] })
  })
})

describe("merging metadata", () => {
  it("lays new pairs over old ones and removes those that become null", () => {
    expect(mergeMetadata({ a: 1, b: 2 }, { b: 3, c: null, a: null })).toEqual({ b: 3 })
    expect(Object.keys(mergeMetadata({ z: 1, a: 2 }, { z: 3 }))).toEqual(["z", "a"])
  })

  it("leaves a null that was stored before, unless it is named", () => {
    expect(mergeMetadata({ a: null }, { b: 1 })).toEqual({ a: null, b: 1 })
    expect(mergeMetadata({ toString: null } as unknown as JsonObject, {})).toEqual({ toString: null })
  })

  it("gives every pair that was sent and is not null, for any two objects", () => {
    const json = fc.dictionary(fc.string(), fc.option(fc.string(), { nil: null }))
    fc.assert(
      fc.property(json, json, (before, over) => {
        const merged = mergeMetadata(before, over)
        for (const [key, value] of Object.entries(over)) {
          expect(Object.hasOwn(merged, key) ? merged[key] : null).toBe(value)
        }
        for (const [key, value] of Object.entries(before)) {
          if (!Object.hasOwn(over, key)) expect(merged[key]).toBe(value)
        }
      }),
    )
  })

  it("can end in too much, which is told", () => {
    const before = Object.fromEntries(Array.from({ length: 16 }, (_, place) => [`k${place}`, "v"]))
    expect(findMetadataFault(mergeMetadata(before, { more: "v" }))).not.toBeNull()
    expect(findMetadataFault(mergeMetadata(before, { more: "v", k0: null }))).toBeNull()
  })
})
