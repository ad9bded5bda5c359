// Finds the session cookie in a `Cookie` header, exactly as the application does (`Cookies::candidates` in adapters/http):
//
// - Only `;` separates cookies. A comma does not, although some runtimes join header lines with it: a sibling domain could set a
//   cookie `a` to `x, __Host-session=…`, and so get past the prefix.
// - Spaces and tabs around a cookie are trimmed, and no other characters: browsers check prefixes on names that keep those.
// - The name must be followed directly by `=` and match exactly. The value is the rest, without one pair of double quotes.

const SEMICOLON = 59;

/** Where the next value of the cookie begins, or -1. `pair` is the cookie's name and `=`. */
export function find(header: string, pair: string, from: number): number {
  for (let at = header.indexOf(pair, from); at >= 0; at = header.indexOf(pair, at + 1)) {
    let before = at - 1;
    while (isSpace(header.charCodeAt(before))) before--;
    // Otherwise it is the end of another cookie's name, or part of its value.
    if (before < 0 || header.charCodeAt(before) === SEMICOLON) return at + pair.length;
  }
  return -1;
}

/** The value that begins at `at`. */
export function valueAt(header: string, at: number): string {
  const semicolon = header.indexOf(";", at);
  let end = semicolon < 0 ? header.length : semicolon;
  while (end > at && isSpace(header.charCodeAt(end - 1))) end--;
  const value = header.slice(at, end);
  return value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}

function isSpace(code: number): boolean {
  return code === 32 || code === 9;
}
