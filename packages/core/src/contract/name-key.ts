/** How names of assistants are compared. */

/**
 * The form under which names are unique (ours): trimmed, composed, without case. Upper case first, so that letters with
 * several small forms (final sigma, sharp s) meet.
 */
export function nameKeyOf(name: string): string {
  return name.trim().normalize("NFC").toUpperCase().toLowerCase()
}
