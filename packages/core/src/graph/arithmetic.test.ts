import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { ArithmeticError, calculate } from "./arithmetic.ts"

describe("a calculation", () => {
  it.each<[text: string, value: number]>([
    ["2*(3+4)", 14],
    ["2^3^2", 512],
    ["-2^2", -4],
    ["2**-1", 0.5],
    ["7 % 4 - 1", 2],
    ["sqrt(2)^2 - 2 < 1", Number.NaN],
    ["5!", 120],
    ["171!", Number.POSITIVE_INFINITY],
    ["(-1)!", Number.NaN],
    ["max(1, 5, 3) + min(2)", 7],
    ["log(8, 2)", 3],
    ["LN(e) * pi", Math.PI],
    ["1.5e3 + .5", 1500.5],
    ["--3", 3],
    ["1/0", Number.POSITIVE_INFINITY],
    ["hypot(3,4)", 5],
    [" \n 1 \t+ 1 ", 2],
  ])("of %s is %d", (text, value) => {
    if (text.includes("<")) expect(() => calculate(text)).toThrow(ArithmeticError)
    else if (Number.isNaN(value)) expect(calculate(text)).toBeNaN()
    else expect(calculate(text)).toBeCloseTo(value, 10)
  })

  it.each(["", "1 +", "(1", "1)", "2 3", "sqrt", "sqrt(", "unknown(1)", "constructor", "a.b", "1;2", "pi(2)", "x=1"])(
    "of %j is refused in words",
    (text) => {
      expect(() => calculate(text)).toThrow(ArithmeticError)
    },
  )

  it("is bounded in length and in nesting, without ever running out of stack", () => {
    expect(() => calculate("1+".repeat(1_001))).toThrow("longer than")
    expect(() => calculate(`${"(".repeat(500)}1${")".repeat(500)}`)).toThrow("nested")
    expect(() => calculate(`${"-".repeat(1_500)}1`)).toThrow("nested")
    expect(() => calculate(`${"2^".repeat(900)}1`)).toThrow("nested")
  })

  it("gives a number or says why not, whatever the text", () => {
    const signs = fc.constantFrom(..."0123456789.+-*/%^!(), episqrtmax".split(""))
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(signs, { maxLength: 60 }).map((list) => list.join("")),
        ),
        (text) => {
          try {
            expect(typeof calculate(text)).toBe("number")
          } catch (error) {
            expect(error).toBeInstanceOf(ArithmeticError)
          }
        },
      ),
    )
  })
})
