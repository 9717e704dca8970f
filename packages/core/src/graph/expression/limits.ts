/**
 * The bounds of one evaluation, each checked before the work is done (ours; exceeding one is `EXPRESSION_LIMIT`).
 * A step is about one node of the tree, one element of a list, or 16 characters of text that a method looks at. The
 * evaluation is synchronous, so the steps are what keeps one expression from holding up the process.
 */
export const EXPRESSION_LIMITS = {
  /** Characters of one expression's source: longer ones are programs, and belong in a Code node. */
  sourceCharsMax: 32_768,
  /** Characters of a whole parameter text with its literal parts: prompts are long, books are not prompts. */
  templateCharsMax: 1_000_000,
  /** Characters of all expressions in one parameter text: compiling them takes some 50 ms. */
  templateCodeCharsMax: 131_072,
  /** Expressions in one parameter text. */
  templatePartsMax: 1_000,
  /** Nodes of the parsed tree. */
  nodesMax: 10_000,
  /** Nesting of the parsed tree: each level costs native stack while it is built and while it runs. */
  nestingMax: 400,
  /** Steps of one evaluation: in the worst case about half a second of one processor. */
  stepsMax: 5_000_000,
  /** Steps of all expressions of one execution of a node together: some seconds of one processor in the worst case. */
  nodeStepsMax: 100_000_000,
  /** Nested calls, in units of tree height: keeps recursion far from the end of the native stack. */
  stackUnitsMax: 2_000,
  /** Characters of one text. */
  textCharsMax: 5_000_000,
  /** Characters of all texts that methods make in one evaluation: bounds memory. */
  madeCharsMax: 20_000_000,
  /** Elements of one list, map or set that an expression makes. */
  listLengthMax: 500_000,
  /** Nesting of a value that is turned into text, copied or handed out; also what stops a value that holds itself. */
  valueDepthMax: 100,
  /** Values (with repetitions) in the result of an expression. */
  resultValuesMax: 1_000_000,
  /** Characters of a regular expression. */
  patternCharsMax: 10_000,
  /** Size of a regular expression with its repetitions written out: its matching time grows with it. */
  patternSizeMax: 5_000,
  /** Groups of a regular expression: the engine copies their places for every state that it is in. */
  patternGroupsMax: 100,
  /** Size of all regular expressions that stand in one parameter text: each is a program that is kept in memory. */
  templatePatternSizeMax: 10_000,
  /** Weight of the compiled templates kept in memory, about one unit for a byte. */
  cacheWeightMax: 64_000_000,
} as const
