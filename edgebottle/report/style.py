"""The style sheet of the HTML report: light, dark, narrow and printed. All colours stand here."""

_LIGHT = """--ink: #17212b; --soft: #586673; --line: #e0e5ea; --paper: #ffffff;
  --card: #f4f6f8; --inside: #ffffff; --band: #fbe6c8; --peak: #a8371f; --stage: #e8f1fa;
  --good: #1f6d47; --bad: #b3261e; --wire: #8494a3; --track: #e9edf1;
  --blue: #2f6fb3; --green: #2e7d5b; --violet: #8a4fa8; --olive: #7a6a2f; --orange: #b8651b;
  --teal: #1d7e88; --grey: #7b8a98;"""

_DARK = """--ink: #e6ebf0; --soft: #9dabb8; --line: #2c3742; --paper: #12181f;
  --card: #1b242d; --inside: #0d1319; --band: #46371c; --peak: #f0a08c; --stage: #1a2a3a;
  --good: #7fd1a3; --bad: #ff9a8f; --wire: #708090; --track: #202b35;
  --blue: #74aee6; --green: #79c9a0; --violet: #cf9fe6; --olive: #cbb76a; --orange: #eba55a;
  --teal: #5fc6d2; --grey: #8fa1b2;"""

FILLS = {
    "activation": "blue",
    "input": "green",
    "output": "violet",
    "state": "olive",
    "scratch": "orange",
    "ring": "teal",
    "macs": "blue",
    "other": "grey",
    "end": "green",
    "arena-part": "blue",
    "stack-part": "orange",
    "rest-part": "grey",
    "weights-part": "teal",
    "code-part": "grey",
    "ours": "blue",
    "theirs": "grey",
    "found-box": "orange",
    "true-box": "green",
}
"""What has a colour: class and colour. Each picture says in its legend what its colours mean."""

_FILLS = "\n".join(
    f".{css} {{ --fill: var(--{colour}); }}" for css, colour in dict.fromkeys(FILLS.items())
)

_PAGE = """
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  margin: 0 auto; max-width: 1160px; padding: 28px 28px 48px; -webkit-text-size-adjust: 100%; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 6px; overflow-wrap: anywhere; }
h2 { font-size: 18px; line-height: 1.3; margin: 38px 0 8px; }
h3 { font-size: 14px; margin: 20px 0 6px; overflow-wrap: anywhere; }
h4 { font-size: 13px; font-weight: 400; color: var(--soft); margin: 4px 0; }
h4 b { color: var(--ink); font-weight: 600; }
p, footer { color: var(--soft); font-size: 13.5px; margin: 4px 0 12px; max-width: 95ch; }
footer { margin-top: 40px; border-top: 1px solid var(--line); padding-top: 8px; }
ul, ol { list-style: none; margin: 0; padding: 0; } figure { margin: 0; }
.facts { display: flex; flex-wrap: wrap; gap: 1px 18px; font-size: 13px; overflow-wrap: anywhere; }
.facts span { color: var(--soft); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(220px, 1fr)); gap: 10px;
  margin: 18px 0; }
.cards li { background: var(--card); border-radius: 8px; padding: 11px 14px; }
.cards span { color: var(--soft); font-size: 12.5px; line-height: 1.4; display: block; }
.cards b { display: block; font-size: 20px; line-height: 1.35; overflow-wrap: anywhere; }
.cards .good b { color: var(--good); } .cards .bad b { color: var(--bad); }
.legend { display: flex; flex-wrap: wrap; gap: 3px 18px; margin: 10px 0 0; font-size: 13px;
  color: var(--soft); }
.legend i, .parts li > i { display: inline-block; width: 11px; height: 11px; border-radius: 3px;
  margin-right: 7px; background: var(--fill); }
.legend .band { background: var(--band); } .legend .stage { background: var(--stage);
  box-shadow: inset 3px 0 var(--blue); }
.legend .view { background: none; border: 2px solid var(--grey); }
"""

_TABLES = """
.no { display: inline-block; min-width: 1.7em; margin-right: 8px; color: var(--soft);
  text-indent: 0; text-align: right; font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; width: 100%; font-size: 13px; line-height: 1.4; }
table + table { margin-top: 20px; } table + p { margin: 10px 0; }
caption { text-align: left; color: var(--soft); padding: 0 0 8px; max-width: 110ch; }
th, td { text-align: left; padding: 4px 16px 4px 0; border-bottom: 1px solid var(--line);
  vertical-align: baseline; overflow-wrap: break-word; }
tbody th, td:last-child { overflow-wrap: anywhere; }
th:last-child, td:last-child { padding-right: 0; }
thead th { color: var(--soft); font-weight: 500; overflow-wrap: normal; vertical-align: bottom; }
tbody th { font-weight: 400; }
tbody .numbered { padding-left: calc(1.7em + 8px); text-indent: calc(-1.7em - 8px); }
.numbered span { text-indent: 0; } .numbered span:last-child { word-break: break-all; }
td { font-variant-numeric: tabular-nums; } .n { text-align: right; } td.n { white-space: nowrap; }
td small { color: var(--soft); }
.bars tbody th { width: 26%; } .bars .bar { width: 24%; vertical-align: middle; }
.quantized td { white-space: nowrap; } .quantized .bar { width: 16%; }
.bar span { display: block; height: 12px; } .tracks .bar span { background: var(--track);
  border-radius: 2px; }
.bar i { display: block; height: 100%; min-width: 1px; border-radius: 2px;
  background: var(--fill); }
.shapes td:nth-child(-n+5), .records td { white-space: nowrap; }
.records td:last-child { white-space: normal; }
.shapes tbody th { min-width: 12em; }
.shapes td:last-child span { font: 12px ui-monospace, monospace; }
"""

_PICTURES = """
.arena { display: grid; grid-template-columns: minmax(0, 15rem) minmax(0, 1fr) auto;
  font-size: 12px; padding-bottom: 20px; }
.arena li { height: var(--row); line-height: var(--row); overflow: hidden; white-space: nowrap;
  text-overflow: ellipsis; }
.names li { padding-right: 10px; } .live li { padding: 0 4px 0 10px; }
.live { text-align: right; font-variant-numeric: tabular-nums; color: var(--soft); }
.arena .peak { color: var(--peak); background: var(--band); font-weight: 600; }
.names .peak { border-radius: 4px 0 0 4px; } .live .peak { border-radius: 0 4px 4px 0; }
.map { position: relative; height: calc(var(--row) * var(--rows));
  border: solid var(--line); border-width: 0 1px; }
.map i, .block { position: absolute; }
.map .band { left: 0; right: 0; background: var(--band); }
.tick { top: 0; bottom: -5px; border-left: 1px solid var(--line); }
.tick b { position: absolute; top: 100%; left: 0; font-weight: 400; font-style: normal;
  color: var(--soft); padding-left: 1px; }
.block { container-type: inline-size; background: var(--fill); color: var(--inside);
  box-shadow: 0 0 0 1px var(--paper); border-radius: 3px; overflow: hidden; min-width: 2px; }
.block span { display: block; padding: 0 5px; line-height: min(18px, var(--row) - 2px);
  overflow: hidden; white-space: nowrap; text-overflow: ellipsis; }
@container (max-width: 45px) { .block span { display: none; } }
.pair, .trends { display: grid; gap: 8px 36px;
  grid-template-columns: repeat(auto-fit, minmax(min(300px, 100%), 1fr)); }
.parts h3 { margin: 6px 0; font-weight: 400; } .parts h3 b { font-weight: 600; }
.stack { display: flex; height: 26px; border-radius: 4px; overflow: hidden; }
.stack i { background: var(--fill); min-width: 1px; }
.stack i + i { border-left: 1px solid var(--paper); }
.parts ul { font-size: 13px; margin-top: 8px; font-variant-numeric: tabular-nums; }
.parts li { display: grid; grid-template-columns: 18px 1fr auto 5em; align-items: baseline;
  padding: 1px 0; }
.parts li b { font-weight: 400; } .parts li span { text-align: right; color: var(--soft); }
.trend { display: block; width: 100%; height: auto; }
.histogram rect { fill: var(--fill); } .histogram text { font-size: 11px; fill: var(--soft); }
.scatter circle { fill: var(--fill); stroke: var(--paper); }
.scatter text { font-size: 11px; fill: var(--soft); }
.pictures { display: flex; flex-wrap: wrap; gap: 14px; margin-top: 12px; }
.pictures figure { width: 320px; } .picture { display: block; width: 100%; height: auto; }
.picture rect { fill: none; stroke: var(--fill); } .picture .true-box { stroke-width: 2.5; }
.pictures figcaption { color: var(--soft); font-size: 12.5px; }
.limit { stroke: var(--peak); stroke-dasharray: 4 3; }
.grid { stroke: var(--line); fill: none; }
.line { fill: none; stroke: var(--blue); stroke-width: 2; } .dot { fill: var(--blue); }
.network { columns: 290px; column-gap: 28px; }
.network li { display: flex; height: var(--row); break-inside: avoid; align-items: center;
  gap: 8px; padding-right: 8px; }
.network svg { flex: none; width: var(--gutter); }
.network path { fill: none; stroke: var(--wire); stroke-width: 1.75; }
.network circle { fill: var(--fill); stroke: var(--paper); stroke-width: 1.5; }
.network .view circle { fill: var(--paper); stroke: var(--grey); stroke-width: 2; }
.network div { flex: 1; min-width: 0; display: grid; grid-template-columns: 1fr auto;
  font-size: 13px; line-height: 17px; }
.network b { font-weight: 500; white-space: nowrap; }
.network b i { font-style: normal; font-weight: 400; color: var(--soft); padding-right: 7px; }
.network b, .network span { overflow: hidden; text-overflow: ellipsis; }
.network span { grid-column: 1 / -1; color: var(--soft); font-size: 12px; white-space: nowrap; }
.network em { font-size: 11px; font-style: normal; color: var(--blue); padding-left: 8px; }
.network .stage { background: var(--stage); box-shadow: inset 3px 0 var(--blue); }
.network .first { border-top-right-radius: 6px; }
.network .last { border-bottom-right-radius: 6px; }
details { margin: 0; border-top: 1px solid var(--line); padding: 10px 0; }
section + details { margin-top: 28px; }
summary { cursor: pointer; font-weight: 600; overflow-wrap: anywhere; }
summary small { color: var(--soft); font-weight: 400; margin-left: 10px; }
details[open] summary { margin-bottom: 14px; }
"""

_NARROW = """
@media screen and (max-width: 720px) {
  body { padding: 18px 16px 32px; } h1 { font-size: 22px; }
  .cards { grid-template-columns: repeat(auto-fill, minmax(140px, 1fr)); }
  .arena { grid-template-columns: minmax(0, 6.5rem) minmax(0, 1fr) auto;
    font-size: 11px; }
  .no { min-width: 1.4em; margin-right: 5px; }
  table:not(.matrix) thead { position: absolute; width: 1px; height: 1px; overflow: hidden;
    clip-path: inset(50%); }
  table:not(.matrix), table:not(.matrix) tbody, table:not(.matrix) caption { display: block; }
  table:not(.matrix) tr { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr));
    gap: 0 20px; padding: 7px 0; border-bottom: 1px solid var(--line); }
  table:not(.matrix) :is(th, td), .bars .bar { border: 0; padding: 0; width: auto; }
  td > span { text-align: right; } tbody .numbered { padding-left: 0; text-indent: 0; }
  tbody th, .bars tbody th, .bar { grid-column: 1 / -1; width: auto; font-weight: 500; }
  .bars .bar { padding: 3px 0; }
  table:not(.matrix) td:not(.bar), .shapes td:nth-child(-n+5) { display: flex;
    justify-content: space-between; flex-wrap: wrap; gap: 0 8px; white-space: normal; }
  table:not(.matrix) td[data-head]::before { content: attr(data-head); color: var(--soft); }
  .shapes td, .records td:nth-child(-n+3), .records td:nth-child(6) { grid-column: 1 / -1; }
  .matrix :is(th, td) { padding: 3px 3px 3px 0; font-size: 12px; overflow-wrap: normal; }
}
"""

_PRINT = """
@media print {
  @page { margin: 14mm; }
  body { font-size: 10.5pt; max-width: none; padding: 0; print-color-adjust: exact;
    -webkit-print-color-adjust: exact; }
  h1, h2, h3, h4, caption, thead, summary { break-after: avoid; break-inside: avoid; }
  h2 + p { break-after: avoid; }
  tr, li, .parts, .trends figure { break-inside: avoid; }
  .legend { break-before: avoid; }
  th, td { padding-right: 9px; } table { font-size: 8.5pt; }
  .shapes td:nth-child(-n+5) { white-space: normal; } .shapes tbody th { min-width: 9em; }
  .shapes td:nth-child(4) { white-space: nowrap; }
  .shapes td:last-child { min-width: 10em; } .shapes td:last-child span { font-size: 7pt; }
  .network { columns: 2; }
  details:not([open]) { display: none; }
}
"""

STYLE = f"""
:root {{ color-scheme: light dark; {_LIGHT} }}
@media screen and (prefers-color-scheme: dark) {{ :root {{ {_DARK} }} }}
{_FILLS}{_PAGE}{_TABLES}{_PICTURES}{_NARROW}{_PRINT}"""
