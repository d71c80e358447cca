/** How the report looks, by day and by night. */

const DAY = "--ground:#f4f3ef;--panel:#fff;--ink:#1c1b19;--muted:#5a5750;--line:#dbd8d0;--good:#1f6b3a;--bad:#8c2f1b;" +
  "--low:#f7e3dd;--high:#2b5c86;--on-high:#fff;--s0:#2b5c86;--s1:#b3541e;--s2:#1f7a53;--s3:#8a3a86;--s4:#6b6315;--s5:#a32a45;" +
  "--s6:#24707d;--s7:#5c4bb0;--s8:#6d4c32;--s9:#555;color-scheme:light";
const NIGHT =
  "--ground:#101317;--panel:#16191e;--ink:#e6e4df;--muted:#a3a7ae;--line:#2b3038;--good:#7fd6a0;--bad:#ffb4a2;" +
  "--low:#3a1d17;--high:#8fc3ea;--on-high:#0c1a26;--s0:#8fc3ea;--s1:#f0a878;--s2:#7fd6a0;--s3:#e0a0dc;--s4:#d6cc70;--s5:#ff9fb0;" +
  "--s6:#86d5df;--s7:#b9b0ff;--s8:#d0b090;--s9:#bbb;color-scheme:dark";

/** How many series have a colour of their own. */
export const COLOURS = 10;

const series = Array.from({ length: COLOURS }, (_, i) => `.s${i}{--c:var(--s${i})}`).join("");

/** The report's one style sheet. */
export const STYLE = `:root{${DAY}}@media(prefers-color-scheme:dark){:root{${NIGHT}}}
*{box-sizing:border-box}body{margin:0 auto;max-width:76rem;padding:1rem 1.5rem 4rem;background:var(--ground);color:var(--ink);
font:16px/1.45 system-ui,sans-serif}h1{font-size:1.5rem;margin:.5rem 0}h2{font-size:1.2rem;margin:2.5rem 0 .2rem}
h3{font-size:1rem;margin:1rem 0 .3rem}p{margin:.2rem 0 .8rem;color:var(--muted)}figure{margin:0}
.charts{display:flex;flex-wrap:wrap;gap:1rem}.charts>*,.scroll{background:var(--panel);border:1px solid var(--line);border-radius:6px;padding:.6rem}
.scroll{overflow-x:auto;margin-top:1rem}figcaption{font-size:.85rem;color:var(--muted);margin-bottom:.3rem}
svg{display:block;max-width:100%;height:auto;font:12px system-ui,sans-serif}text{fill:var(--ink)}.tick{fill:var(--muted)}
.grid{stroke:var(--line)}.curve{fill:none;stroke:var(--c);stroke-width:2}.dot{fill:var(--c)}.bar{stroke:var(--c)}.name{fill:var(--c)}
.full{stroke:var(--muted);stroke-dasharray:5 4}.cell{stroke:var(--panel)}.low{fill:var(--low)}.high{fill:var(--high)}.on{fill:var(--on-high)}
table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums}th,td{padding:.25rem .6rem;text-align:right;
border-bottom:1px solid var(--line);white-space:nowrap}th:first-child,td:first-child,.left{text-align:left}th{color:var(--muted);font-weight:600}
.better{color:var(--good);font-weight:600}.worse{color:var(--bad);font-weight:600}code{font-size:.85em;overflow-wrap:anywhere}${series}`;
