"""The style sheet of the HTML report, light and dark; all colours are named here."""

STYLE = """
:root { color-scheme: light dark; --ink: #16202b; --soft: #55626f; --line: #dde3e9;
  --paper: #ffffff; --card: #f4f6f8; --inside: #ffffff; --band: #fdeeda; --peak: #b5432f;
  --good: #22704a; --bad: #b3261e;
  --a0: #2f6fb3; --a1: #4a7f9e; --a2: #5a68b5; --input: #2e7d5b; --output: #8a4fa8;
  --state: #7a6a2f; --scratch: #b8651b; --ring: #1d8794; --code: #5c6f80; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebf0; --soft: #9dabb8; --line: #2f3b46;
  --paper: #12181f; --card: #1b242d; --inside: #0d1319; --band: #3a2f1c; --peak: #f0907c;
  --good: #7fd1a3; --bad: #ff9a8f;
  --a0: #74aee6; --a1: #86bdd6; --a2: #a0aaf0; --input: #79c9a0; --output: #cf9fe6;
  --state: #cbb76a; --scratch: #eba55a; --ring: #5fc6d2; --code: #9fb2c3; } }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  margin: 0 auto; max-width: 1100px; padding: 28px 24px 48px; }
h1 { font-size: 25px; line-height: 1.25; margin: 0 0 6px; overflow-wrap: anywhere; }
h2 { font-size: 17px; margin: 34px 0 6px; }
h3 { font-size: 14px; margin: 18px 0 4px; }
p, figcaption { color: var(--soft); margin: 4px 0 12px; max-width: 90ch; }
.facts { font-size: 13px; overflow-wrap: anywhere; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(136px, 1fr)); gap: 10px;
  margin: 18px 0; padding: 0; list-style: none; }
.cards li { background: var(--card); border-radius: 8px; padding: 11px 13px; }
.cards span { color: var(--soft); font-size: 12.5px; display: block; }
.cards b { display: block; font-size: 20px; line-height: 1.3; white-space: nowrap; }
.cards .good b { color: var(--good); } .cards .bad b { color: var(--bad); }
figure { margin: 0; overflow-x: auto; }
svg { display: block; width: 100%; min-width: 640px; height: auto; }
svg text { font: 11.5px system-ui, sans-serif; fill: var(--ink); }
svg .soft { fill: var(--soft); } svg .inside { fill: var(--inside); pointer-events: none; }
svg .bold { font-weight: 600; fill: var(--peak); }
svg rect { stroke: var(--paper); }
svg .band { fill: var(--band); stroke: none; }
svg .grid { stroke: var(--line); } svg .peak { stroke: var(--peak); stroke-dasharray: 5 4; }
svg .line { fill: none; stroke: var(--a0); stroke-width: 2; } svg .dot { fill: var(--a0); }
.a0 { fill: var(--a0); background: var(--a0); } .a1 { fill: var(--a1); } .a2 { fill: var(--a2); }
.input { fill: var(--input); background: var(--input); }
.output { fill: var(--output); background: var(--output); }
.state { fill: var(--state); background: var(--state); }
.scratch { fill: var(--scratch); background: var(--scratch); }
.ring { fill: var(--ring); background: var(--ring); }
.code { fill: var(--code); background: var(--code); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; padding: 0; margin: 6px 0;
  list-style: none; font-size: 13px; color: var(--soft); }
.legend i { display: inline-block; width: 11px; height: 11px; border-radius: 2px;
  margin-right: 6px; }
.trends { display: grid; grid-template-columns: repeat(auto-fit, minmax(270px, 1fr)); gap: 16px; }
.trends svg { min-width: 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
caption { text-align: left; color: var(--soft); padding: 2px 0 6px; }
th, td { text-align: left; padding: 4px 12px 4px 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
thead th { color: var(--soft); font-weight: 500; white-space: nowrap; }
tbody th { font-weight: 400; }
td { font-variant-numeric: tabular-nums; } .n { text-align: right; white-space: nowrap; }
td small { color: var(--soft); }
details { margin: 22px 0; border-top: 1px solid var(--line); padding-top: 14px; }
summary { cursor: pointer; font-weight: 600; }
@media print { body { max-width: none; padding: 0; } details { break-inside: avoid; } }
"""
