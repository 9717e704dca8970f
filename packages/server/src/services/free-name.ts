/** Finds a free name for an assistant where the wanted one is taken. */
import type { Id } from "@brevet/core/ids"
import type { AssistantTable } from "../ports/assistant-table.ts"

/** Code units of an assistant's name, as the contract allows them. */
const nameLengthMax = 255
const namesPerLook = 20

/** `Name` with a number, cut so that it stays a name; never in the middle of a character. */
export function numberedName(name: string, number: number): string {
  const tail = ` ${number}`
  const head = name.trim().slice(0, nameLengthMax - tail.length)
  return `${head.replace(/\p{Surrogate}$/u, "").trimEnd()}${tail}`
}

/** The first of `Name 2`, `Name 3`, … that no living assistant of the organization has. A suggestion: nothing holds it. */
export async function findFreeName(
  assistants: Pick<AssistantTable, "findTakenNames">,
  organizationId: Id<"organization">,
  name: string,
): Promise<string> {
  for (let first = 2; ; first += namesPerLook) {
    const names = Array.from({ length: namesPerLook }, (_, index) => numberedName(name, first + index))
    const taken = new Set(await assistants.findTakenNames(organizationId, names))
    const free = names.find((candidate) => !taken.has(candidate))
    if (free !== undefined) return free
  }
}
