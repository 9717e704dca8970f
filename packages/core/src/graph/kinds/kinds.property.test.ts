import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { findJsonFault, type JsonObject, type JsonValue } from "../../json.ts"
import { runKind } from "../../testing/kind-run.ts"
import { readDefinition } from "../read.ts"
import { validate } from "../validate.ts"
import type { PureKind } from "./kind.ts"
import { kinds } from "./table.ts"

/** Names and values that kinds know, so that random settings get past the first question. */
const names = `
  mode operation action options values rules conditions combinator leftValue rightValue operator type output outputKey
  renameOutput numberOutputs fallbackOutput allMatchingOutputs looseTypeValidation ignoreCase value1 value2 dataType
  combineBy combinationMode joinMode outputDataFrom fieldsToMatchString advanced mergeByFields field1 field2 clashHandling
  resolveClash mergeMode overrideEmpty multipleMatches fuzzyCompare includeUnpaired useDataOfInput fieldToSplitOut include
  fieldsToInclude fieldsToExclude destinationFieldName includeBinary aggregate fieldsToAggregate fieldToAggregate
  renameField outputFieldName mergeLists keepMissing fieldsToSummarize aggregation field fieldsToSplitBy outputFormat
  includeEmpty separateBy customSeparator sortFieldsUi sortField fieldName order code maxItems keep compare fieldsToCompare
  removeOtherFields keys key currentKey newKey additionalOptions regexReplacement replacements searchRegex replaceRegex
  depth resolve preferWhenMix exceptWhenMix skipFields batchSize reset magnitude timeUnit duration date format customFormat
  part startDate endDate units toNearest to fromFormat timezone includeTime includeInputFields html dataPropertyName
  extractionValues cssSelector returnValue attribute returnArray skipSelectors trimValues cleanUpText markdown
  destinationKey bulletMarker headerLevelStart explicitArray mergeAttrs attrkey charkey rootName cdata assignments name
  value jsonOutput errorMessage errorObject errorType disableDotNotation duplicateItem duplicateCount
`
  .trim()
  .split(/\s+/)
const words = `
  append combine chooseBranch combineByFields combineByPosition combineAll keepMatches keepNonMatches keepEverything
  enrichInput1 enrichInput2 input1 input2 addSuffix preferInput1 all first splitOutItems concatenateItems summarize sort
  limit removeDuplicates allOtherFields selectedOtherFields aggregateAllItemData specifiedFields allFieldsExcept
  singleItem sum average concatenate countUnique min max simple random code descending selectedFields includeBoth mix
  getCurrentDate addToDate formatDate extractDate getTimeBetweenDates roundDate roundUp custom days week
  extractHtmlContent convertToHtmlTable attribute text html value markdownToHtml jsonToxml xmlToJson raw expression extra
  string number equals regex and or a b a.b a,b $binary __proto__ constructor toString a.__proto__ 2024-01-31 <a>b</a>
  <p>x</p> [x](y) return={{$json.a}} ={{$json}} ={{$json.a.b}} ={{$('Nope').first()}} ={{[1,2]}} ={{{a:1}}} ={{ =1
`
  .trim()
  .split(/\s+/)

const leaf: fc.Arbitrary<JsonValue> = fc.oneof(
  fc.constantFrom<JsonValue>(...words),
  fc.constantFrom<JsonValue>(null, true, false, "", " ", 0, 1, -1, 2.5, 3, 1e9, 1e300),
  fc.string({ maxLength: 12 }),
)
const json: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthSize: "small" },
    leaf,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string({ maxLength: 6 })), tie("value"), {
      maxKeys: 6,
      noNullPrototype: true,
    }),
  ),
})).value
const settings = fc.dictionary(fc.constantFrom(...names), json, { maxKeys: 8, noNullPrototype: true })
const itemJson = fc.dictionary(
  fc.oneof(fc.constantFrom("a", "b", "c", "a.b", "toString", "constructor"), fc.string({ maxLength: 5 })),
  json,
  { maxKeys: 4, noNullPrototype: true },
)
/** What no door lets in is no item. */
const items = fc.array(
  itemJson.filter((value) => findJsonFault(value) === null),
  { maxLength: 4 },
)
const onError = fc.constantFrom("stopWorkflow", "continueRegularOutput", "continueErrorOutput")

const pure = kinds.filter((kind): kind is PureKind => kind.effect === "none")
const known = pure.flatMap(({ name, types }) =>
  types.map((type) => [name, type.replace("n8n-nodes-base.", "")] as const),
)
const causes = /^(NODE_[A-Z_]+|EXPRESSION_[A-Z]+|RUN_[A-Z_]+|CODE_[A-Z]+)$/

/** Settings that a kind reads at their depth: random ones, put where the kind looks for them. */
function shaped(settings: JsonObject, part: JsonValue): JsonObject {
  const list = Array.isArray(part) ? part : [part]
  const holders = ["rules", "mergeByFields", "fieldsToSummarize", "extractionValues"]
  const filled = Object.fromEntries(holders.map((name) => [name, { values: list }]))
  return {
    ...filled,
    fieldsToAggregate: { fieldToAggregate: list },
    sortFieldsUi: { sortField: list },
    keys: { key: list },
    additionalOptions: { regexReplacement: { replacements: list } },
    ...settings,
  }
}

describe.each(known.filter(([, type]) => !type.includes("/")))("%s, whatever its settings", (_name, type) => {
  const node = fc.record({
    parameters: fc.oneof(
      settings,
      fc.tuple(settings, json).map(([one, part]) => shaped(one, part)),
      json,
    ),
    typeVersion: fc.constantFrom(1, 1.1, 1.2, 2, 2.1, 3, 3.2, 3.4),
    onError,
    executeOnce: fc.boolean(),
    alwaysOutputData: fc.boolean(),
  })

  it("gives findings, and outputs or a failure with a code, never another error", () => {
    fc.assert(
      fc.property(node, items, items, (fields, first, second) => {
        const whole = { type: `n8n-nodes-base.${type}`, name: "Node", position: [0, 0], ...fields } as JsonObject
        for (const finding of validate(readDefinition({ nodes: [whole] }))) {
          expect(finding.message.length).toBeLessThan(2_000)
        }
        const inputs =
          type === "merge" || type === "compareDatasets" ? [first, second] : [first.length > 0 ? first : [{}]]
        const outcome = runKind({ ...fields, type } as JsonObject, ...inputs)
        if (outcome.code !== null) expect(outcome.code).toMatch(causes)
        for (const [place, item] of outcome.outputs.flat().entries()) {
          expect(findJsonFault({ json: item.json }), `item ${place}`).toBeNull()
          expect(Object.getPrototypeOf(item.json)).toBe(Object.prototype)
        }
      }),
      { numRuns: 100 },
    )
  })
})
