/** What the server says when it is ready: where it is, the key (once), and three commands that can be pasted as they are. */
import type { Server } from "../compose.ts"

/** The text for the terminal. */
export function welcome(server: Pick<Server, "address" | "publicUrl" | "keyText" | "keyFile">): string {
  const { publicUrl, keyText, keyFile } = server
  return [
    "",
    `Brevet is ready at ${publicUrl}`,
    ...keyLines(keyText, keyFile),
    "",
    "Make a workflow, promote it to an assistant, and talk to it:",
    "",
    ...commands(publicUrl, keyText ?? keyReference(keyFile)),
    "",
    `The API is described at ${publicUrl}/docs. Ctrl-C stops the server; its data stays.`,
    "",
  ].join("\n")
}

function keyLines(keyText: string | null, keyFile: string | null): string[] {
  if (keyText !== null) {
    const kept = keyFile === null ? "Keep it: it is not shown again." : `It is shown once; ${keyFile} keeps it.`
    return ["", `  API key: ${keyText}`, `  ${kept}`]
  }
  return keyFile === null ? [] : [`Its first API key is kept in ${keyFile}.`]
}

/** How a shell finds the key where it is not shown. */
function keyReference(keyFile: string | null): string {
  return keyFile === null ? "$BREVET_BOOTSTRAP_API_KEY" : `$(cat '${keyFile}')`
}

/** Run twice they do no harm: the workflow is found by its external id, and promotion names the assistant it has. */
function commands(url: string, key: string): string[] {
  const headers = `-H "X-API-Key: ${key}" -H 'Content-Type: application/json'`
  const definition =
    '{"nodes": [{"id": "llm", "name": "Answer", "type": "FreddyLLM", "parameters": {"system_message": "You are a friendly assistant."}}]}'
  return [
    `WORKFLOW=$(curl -s ${url}/v1/workflows ${headers} -d '{"name": "Hello", "external_id": "hello", "definition": ${definition}}' | grep -o 'flow_[0-9a-f]*' | head -n 1)`,
    `ASSISTANT=$(curl -s -X POST ${url}/v1/workflows/$WORKFLOW/promote-to-assistant ${headers} | grep -o 'asst_[0-9a-f]*' | head -n 1)`,
    `curl -sN ${url}/v1/model/response ${headers} -d '{"assistant_id": "'$ASSISTANT'", "stream": true, "inputs": [{"role": "user", "content": "Hello!"}]}'`,
  ]
}
