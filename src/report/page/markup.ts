/** HTML or SVG. A plain string, by contrast, is text, and is escaped. */
export interface Markup {
  readonly markup: string;
}

type Part = string | number | Markup | undefined | false | readonly Part[];

/**
 * A template of HTML. Every value in it is escaped, unless it is markup already. A list is written
 * item by item; `undefined` and `false` are left out.
 */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  let out = strings[0]!;
  parts.forEach((part, i) => {
    out += render(part) + strings[i + 1]!;
  });
  return { markup: out };
}

/** Markup without escaping: only for text that this program writes itself. */
export function rawMarkup(markup: string): Markup {
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

// Control characters are errors in HTML. With bidirectional overrides a name from a hostile model
// could rearrange the text around it.
// oxlint-disable-next-line no-control-regex
const UNPRINTABLE = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/g;

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (c) => ENTITIES[c]!).replace(UNPRINTABLE, '\uFFFD');
}
