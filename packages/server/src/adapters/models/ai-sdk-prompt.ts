/** Our messages as the AI SDK's provider packages take them. Pure. */
import type { LanguageModelV3Message, LanguageModelV3Prompt } from "@ai-sdk/provider"
import type { ModelMessage } from "../../ports/models.ts"

/** System messages become one at the front: these providers know no other place for them. Empty texts are left out. */
export function sdkPromptOf(messages: readonly ModelMessage[]): LanguageModelV3Prompt {
  const system: string[] = []
  const rest: LanguageModelV3Prompt = []
  for (const message of messages) {
    if (message.role === "system") system.push(message.text)
    else rest.push(...turnOf(message))
  }
  const text = system.filter((part) => part !== "").join("\n\n")
  return text === "" ? rest : [{ role: "system", content: text }, ...rest]
}

function turnOf(message: Exclude<ModelMessage, { role: "system" }>): LanguageModelV3Message[] {
  switch (message.role) {
    case "user":
      return [{ role: "user", content: [{ type: "text", text: message.text }] }]
    case "tool": {
      const { toolCallId, name: toolName, result } = message
      const output = { type: "text" as const, value: result }
      return [{ role: "tool", content: [{ type: "tool-result", toolCallId, toolName, output }] }]
    }
    case "assistant": {
      const text = message.text === "" ? [] : [{ type: "text" as const, text: message.text }]
      const calls = (message.toolCalls ?? []).map((call) => ({
        type: "tool-call" as const,
        toolCallId: call.id,
        toolName: call.name,
        input: call.arguments,
      }))
      const content = [...text, ...calls]
      return content.length === 0 ? [] : [{ role: "assistant", content }]
    }
  }
}
