/** Text that is markup already, as opposed to a string, which is escaped. */
export interface Markup {
  readonly markup: string;
}

type Part = string | number | Markup | undefined | false | readonly Part[];

/**
 * A template of markup. Every value put in is escaped, unless it is markup itself; lists are put
 * one after the other; `undefined` and `false` leave nothing.
 */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  let out = strings[0]!;
  parts.forEach((part, i) => {
    out += render(part) + strings[i + 1]!;
  });
  return { markup: out };
}

/** Only for text that this program wrote itself: nothing in it is escaped. */
export function trusted(markup: string): Markup {
  return { markup };
}

function render(part: Part): string {
  if (part === undefined || part === false) return '';
  if (typeof part === 'string' || typeof part === 'number') return escape(String(part));
  return 'markup' in part ? part.markup : part.map(render).join('');
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

// Besides markup: control characters, which are errors in HTML, and bidirectional overrides, with
// which a name from a hostile model could rearrange the text around it.
// oxlint-disable-next-line no-control-regex
const UNPRINTABLE = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/g;

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (c) => ENTITIES[c]!).replace(UNPRINTABLE, '\uFFFD');
}
