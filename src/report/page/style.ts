/** The page's style sheet: light and dark, wide and narrow, screen and paper. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #fff; --ink: #1c2127; --soft: #5b6570; --line: #d9dee3; --panel: #f6f7f9;
  --accuracy: #2467a8; --validation: #76818c; --attack: #c43d13; --third: #7a4fa3;
  --shade: rgb(90 100 110 / 0.13); --good: #1d7044; --bad: #b3261e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --ink: #e6e9ec; --soft: #a0a9b2; --line: #343a41; --panel: #1d2125;
    --accuracy: #74b0ec; --validation: #98a2ac; --attack: #ff8f66; --third: #c0a0ea;
    --shade: rgb(160 170 180 / 0.17); --good: #6fcf97; --bad: #ff8a80;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', sans-serif;
}
main { max-width: 48rem; margin: 0 auto; padding: 2.5rem 1rem 4rem; }
header { border-bottom: 1px solid var(--line); padding-bottom: 1.75rem; }
h1 { font-size: 2.25rem; line-height: 1.15; margin: 0.35rem 0 0.75rem; letter-spacing: -0.015em; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 2.75rem 0 0.5rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 0.4rem; }
p { margin: 0 0 0.75rem; max-width: 42rem; }
.origin, .note, figcaption, .legend, summary { color: var(--soft); font-size: 0.875rem; }
.origin { margin: 0; overflow-wrap: anywhere; }
.verdict { font-size: 1.125rem; }
.repaired { color: var(--good); }
.unrepaired { color: var(--bad); }
.warning { border-left: 3px solid var(--attack); padding-left: 0.75rem; }
.figures { display: flex; flex-wrap: wrap; gap: 0.75rem 2.5rem; margin: 1.25rem 0 0; }
.figures dt { color: var(--soft); font-size: 0.875rem; }
.figures dd { margin: 0; font-size: 1.375rem; font-variant-numeric: tabular-nums; }
.figures .from { color: var(--soft); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: 0.5rem 0.75rem 0.5rem 0; }
thead th { color: var(--soft); font-size: 0.875rem; font-weight: 500; }
tr { border-bottom: 1px solid var(--line); }
tbody th { font-weight: 500; }
table + .note { margin-top: 0.75rem; }
.rate { display: block; font-weight: 600; }
.extent { color: var(--soft); font-size: 0.8125rem; display: block; }
.extent span { display: inline-block; margin-right: 0.5em; }
figure { margin: 0.75rem 0 0; break-inside: avoid; }
figcaption { max-width: 42rem; margin-top: 0.6rem; }
svg { display: block; width: 100%; height: auto; color: var(--ink); overflow: visible; }
.narrow { display: none; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 18rem), 1fr)); gap: 1rem; }
.pair :is(th, td):nth-child(-n + 2) { overflow-wrap: anywhere; }
.pair :is(th, td):nth-child(n + 3) { white-space: nowrap; }
.legend { display: flex; flex-wrap: wrap; gap: 0.1rem 1.25rem; list-style: none; padding: 0; margin: 0 0 0.4rem; }
.legend i { display: inline-block; width: 1.25rem; vertical-align: middle; margin-right: 0.45rem; border-top: 2px solid; }
.legend .dashed { border-top-style: dashed; }
.legend .dot { width: 0.5rem; height: 0.5rem; border: 0; border-radius: 50%; }
.legend .block { height: 0.75rem; border: 0; }
caption { text-align: left; font-weight: 600; padding-bottom: 0.25rem; }
td .from { color: var(--soft); }
.phases { margin: 0.4rem 0 0; padding-left: 1.4rem; font-size: 0.9375rem; }
.scroll { overflow-x: auto; }
.layers { font-size: 0.875rem; }
.layers .site { background: var(--shade); }
.layers strong { white-space: nowrap; color: var(--attack); }
details { margin-top: 0.4rem; }
summary { cursor: pointer; }
details .scroll { max-height: 24rem; overflow: auto; font-size: 0.8125rem; }
details th, details td { padding: 0.2rem 0.9rem 0.2rem 0; white-space: nowrap; }
.examples { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 14rem), 1fr)); gap: 1.25rem 1.5rem; }
.scenes { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: 1.25rem 1.5rem; }
.scene { margin: 0; }
.scene .pair { grid-template-columns: 1fr 1fr; gap: 0.4rem; }
.scene rect { fill: none; stroke-width: 2; }
.precisions { margin-top: 1.25rem; }
.scene text { font: 600 11px system-ui, sans-serif; stroke: #000; stroke-width: 2.5px; paint-order: stroke; }
.scene .right rect { stroke: #4be38a; } .scene .right text { fill: #4be38a; }
.scene .wrong rect { stroke: #ff7a4d; stroke-width: 3; stroke-dasharray: 6 3; } .scene .wrong text { fill: #ff7a4d; }
.example { margin: 0; break-inside: avoid; }
.example img { display: block; width: 100%; max-width: 7rem; border-radius: 3px; background: var(--panel); }
.both { display: flex; gap: 0.4rem; }
.both img { flex: 1; min-width: 0; }
.example img.small { image-rendering: pixelated; }
.example table { font-size: 0.875rem; table-layout: fixed; }
.example tr { border: 0; }
.example th, .example td { padding: 0.1rem 0.5rem 0.1rem 0; overflow-wrap: anywhere; }
.example :is(th, td):first-child { width: 3.75rem; color: var(--soft); font-weight: 400; }
.example thead th { padding-bottom: 0.3rem; font-size: 0.8125rem; }
.wrong { color: var(--bad); font-weight: 600; }
.facts { display: grid; grid-template-columns: minmax(7rem, max-content) minmax(0, 1fr); gap: 0.25rem 1.25rem; margin: 0; font-size: 0.9375rem; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; overflow-wrap: anywhere; }
code, pre { font: 0.875em/1.5 ui-monospace, 'SF Mono', Menlo, 'DejaVu Sans Mono', monospace; unicode-bidi: isolate; }
code { overflow-wrap: anywhere; }
pre span { display: inline-block; max-width: 100%; }
.hash { color: var(--soft); font-size: 0.75rem; }
pre { background: var(--panel); padding: 0.75rem 1rem; border-radius: 4px; white-space: pre-wrap; overflow-wrap: anywhere; }
@media (max-width: 560px) {
  main { padding-top: 1.5rem; }
  h1 { font-size: 1.75rem; }
  .wide { display: none; }
  .narrow { display: block; }
  .evaluations { font-size: 0.9375rem; }
  .evaluations th, .evaluations td { padding-right: 0.5rem; }
  .extent, thead th { font-size: 0.75rem; }
  .figures { gap: 0.5rem 1.75rem; }
  .figures dd { font-size: 1.125rem; }
}
@media print {
  :root {
    --page: #fff; --ink: #000; --soft: #444; --line: #bbb; --panel: #f3f3f3;
    --accuracy: #2467a8; --validation: #76818c; --attack: #c43d13; --third: #7a4fa3;
    --shade: rgb(90 100 110 / 0.13); --good: #1d7044; --bad: #b3261e;
  }
  body { font-size: 10.5pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  main { max-width: none; padding: 0; }
  h2 { break-after: avoid; }
  h3 { break-after: avoid; }
  tr, .legend { break-inside: avoid; }
  details { display: none; }
}
`.trim();
