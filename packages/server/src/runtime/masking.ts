/** Secrets that come back: what a credential attached must not be seen, wherever the other side repeats it. */

const mask = "***"

/** Characters of a secret that is taken out of answers too (ours): a shorter one may be a word of its own there. */
const answerSecretCharsMin = 16

/** A text for people, without the secrets. */
export function maskMessage(text: string, secrets: readonly string[]): string {
  return secrets.reduce((masked, secret) => masked.replaceAll(secret, mask), text)
}

/** An answer's text, without the secrets that cannot be anything else. */
export function maskAnswer(text: string, secrets: readonly string[]): string {
  return maskMessage(
    text,
    secrets.filter(({ length }) => length >= answerSecretCharsMin),
  )
}
