/** A word that nobody else says. (`randomUUID` is only there over https.) */
export function random() {
  return [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(16)).join("-");
}
