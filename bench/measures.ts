/** The measures, by the names under which they are asked for. */
import type { Bench } from "./bench.ts"
import { measureCrash } from "./crash.ts"
import { measureCreating } from "./creating.ts"
import type { Row } from "./figures.ts"
import { measureFirstToken } from "./first-token.ts"
import { measureLanguage } from "./language.ts"
import { measureStarting } from "./starting.ts"
import { measureStreams } from "./streams.ts"
import { makeConversationMeasure, makeTurnMeasure, measureSingleTurns } from "./turns.ts"
import { measureRuns, measureWebhooks } from "./workflow-runs.ts"

/** Measures something and gives the rows of the table. Throws WrongAnswer where something was answered wrongly. */
export type Measure = (bench: Bench) => Promise<readonly Row[]>

/** All measures, in the order in which they are made. */
export const measures: Readonly<Record<string, Measure>> = {
  turns1: measureSingleTurns,
  turns16: makeTurnMeasure("turns16", 16),
  turns64: makeTurnMeasure("turns64", 64),
  threads16: makeConversationMeasure("threads16", 16),
  "first-token": measureFirstToken,
  runs16: measureRuns,
  webhook16: measureWebhooks,
  streams200: measureStreams,
  create: measureCreating,
  language: measureLanguage,
  start: measureStarting,
  crash: measureCrash,
}
