// SPDX-License-Identifier: Apache-2.0
// How the HTML report looks. Colours are variables with a light and a dark value; a colour never stands without a word.
#pragma once

#include <string_view>

namespace aoti_cts {

inline constexpr std::string_view kHtmlStyle = R"css(
:root{color-scheme:light dark;
--bg:#fff;--card:#f7f8fa;--fg:#1b1f24;--soft:#57606a;--line:#d9dee4;--link:#1f5fbf;
--good-b:#def2e4;--good-f:#14532d;--info-b:#e0eafb;--info-f:#1c3f85;--warn-b:#fbeecb;--warn-f:#684400;
--bad-b:#fbe1df;--bad-f:#8a1c16;--mute-b:#eaedf0;--mute-f:#48515a;
--good:#1f7a48;--info:#2f62c4;--warn:#8f5d00;--bad:#b93127;--mute:#626c76}
@media (prefers-color-scheme:dark){:root{
--bg:#14171b;--card:#1b1f25;--fg:#e5e8eb;--soft:#a1aab4;--line:#30363d;--link:#82b1ff;
--good-b:#15341f;--good-f:#9fe0b5;--info-b:#172d54;--info-f:#adc9ff;--warn-b:#3f300d;--warn-f:#f2d07c;
--bad-b:#4a1c1b;--bad-f:#ffb9b3;--mute-b:#292e34;--mute-f:#bac2ca}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",Arial,sans-serif}
header,nav,main,footer{max-width:76rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:2rem}
h1{font-size:1rem;font-weight:600;letter-spacing:.02em;color:var(--soft);margin:0 0 .5rem}
h2{font-size:1.3rem;line-height:1.25;margin:3rem 0 .5rem;padding-top:.75rem;border-top:1px solid var(--line)}
h3{font-size:1rem;line-height:1.35;margin:1.75rem 0 .35rem}
h4{font-size:.9rem;margin:1rem 0 .25rem}
p{margin:.4rem 0;max-width:58rem}
ul{margin:.4rem 0;padding-left:1.2rem}
a{color:var(--link);overflow-wrap:anywhere;text-underline-offset:.15em}
small,.soft{color:var(--soft);font-size:.85rem;font-weight:400}
[id]{scroll-margin-top:1rem}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-size:.82rem}
code{overflow-wrap:anywhere}
pre{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:.6rem .75rem;margin:.4rem 0;max-width:100%;overflow-x:auto;
white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.45}
.lead{font-size:1.35rem;line-height:1.35;font-weight:600;margin:.25rem 0 .5rem;padding-left:.9rem;border-left:.35rem solid var(--mute);max-width:62rem}
.lead.good{border-color:var(--good)}.lead.bad{border-color:var(--bad)}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.3rem 1.1rem;padding:0;margin:1rem 0 0;font-size:.9rem}
.c{display:inline-block;border-radius:4px;padding:0 .45em;font-size:.8rem;font-weight:600;line-height:1.6;white-space:nowrap}
.good{--b:var(--good-b);--f:var(--good-f);--s:var(--good)}.info{--b:var(--info-b);--f:var(--info-f);--s:var(--info)}
.warn{--b:var(--warn-b);--f:var(--warn-f);--s:var(--warn)}.bad{--b:var(--bad-b);--f:var(--bad-f);--s:var(--bad)}
.mute{--b:var(--mute-b);--f:var(--mute-f);--s:var(--mute)}
.c,.cell{background:var(--b);color:var(--f)}
.bar{display:flex;gap:2px;border-radius:6px;overflow:hidden;margin:.75rem 0;height:2rem}
.bar span{background:var(--s);color:#fff;font-size:.8rem;font-weight:600;line-height:2rem;text-align:center;overflow:hidden;white-space:nowrap;min-width:3px}
.bar.thin{height:.55rem;border-radius:3px}
.cov{display:flex;flex-wrap:wrap;gap:.2rem .8rem;align-items:center}.cov .bar{flex:1 1 10rem;max-width:20rem;margin:.2rem 0}
.tiles{display:flex;flex-wrap:wrap;gap:.75rem;padding:0;margin:.75rem 0;list-style:none}
.tiles li{flex:1 1 8rem;max-width:14rem;background:var(--b);color:var(--f);border-radius:8px;padding:.5rem .8rem}
.tiles b{display:block;font-size:1.5rem;line-height:1.2}
table{border-collapse:collapse;width:100%;margin:.5rem 0;font-size:.9rem}
caption{text-align:left;font-weight:600;padding:.25rem 0}
th,td{text-align:left;vertical-align:top;padding:.4rem .6rem;border-bottom:1px solid var(--line)}
thead th{font-size:.8rem;color:var(--soft);font-weight:600;white-space:nowrap}
tbody th{font-weight:600}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td p,td ul{margin:.1rem 0}
.scroll{overflow-x:auto}
table.fit{width:auto;min-width:min(100%,30rem)}
details{margin:.35rem 0}
summary{cursor:pointer;border-radius:4px}
details.item{border:1px solid var(--line);border-radius:8px;margin:.5rem 0;background:var(--bg)}
details.item>summary{padding:.45rem .75rem}
details.item[open]>summary{border-bottom:1px solid var(--line);background:var(--card);border-radius:8px 8px 0 0}
details.item>div{padding:.35rem .75rem .6rem}
:focus-visible{outline:2px solid var(--link);outline-offset:2px}
.promise{background:var(--card);border-left:.2rem solid var(--line);padding:.4rem .8rem;margin:.35rem 0;max-width:none}
.req{padding:.1rem 0 .6rem;border-bottom:1px solid var(--line)}
.req h3{margin-top:.75rem;display:flex;flex-wrap:wrap;gap:.25rem .6rem;align-items:baseline}
.tests{list-style:none;padding:0;columns:22rem;column-gap:2rem}
.tests li{break-inside:avoid;padding:.1rem 0}
table.ledger td:nth-child(1),table.ledger th:nth-child(1){width:9rem}
table.ledger td:nth-child(3){width:6rem}
table.ledger td:nth-child(4){width:44%}
table.grid{min-width:46rem;table-layout:fixed;font-size:.82rem}
table.grid th:first-child{width:9.5rem;overflow-wrap:anywhere;position:sticky;left:0;background:var(--bg)}
table.grid td{padding:.3rem}
.cell{display:flex;gap:.4em;border-radius:4px;padding:.1rem .45em;margin:.12rem 0;line-height:1.35}
td.span .cell{display:inline-flex;margin-right:.3rem}
.cell i{font-style:normal;opacity:.8;min-width:1.5em}
.cell b{font-weight:600}
.strip{display:grid;grid-template-columns:13rem 1fr;gap:0 1rem;align-items:center;border-bottom:1px solid var(--line)}
.strip svg{display:block;width:100%;overflow:visible}
.strip .name{font-size:.82rem;overflow-wrap:anywhere}
svg .g{stroke:var(--line)}svg .l{stroke:var(--bad);stroke-width:2}
svg circle{fill:var(--link);fill-opacity:.75}svg text{fill:var(--soft);font-size:11px}
svg .x{fill:var(--bad-f);font-size:16px;font-weight:700}svg .k{fill:var(--fg);font-weight:700}svg .lt{fill:var(--bad-f);font-weight:600}
.timeline{margin:.75rem 0;overflow-x:auto}.timeline figcaption{font-size:.85rem}
.timeline svg{display:block;width:100%;min-width:44rem;margin:.3rem 0}
.ts{fill:none;stroke:var(--soft)}.to{fill:var(--mute-b);stroke:var(--mute);stroke-width:.6}.tl{fill:var(--warn);stroke:var(--fg);stroke-width:.3}
.tk{fill:var(--info)}.tc{fill:none;stroke:var(--fg);stroke-width:24;stroke-dasharray:2 1.2}
footer{padding-top:2rem;padding-bottom:3rem}
.v{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
@media screen and (max-width:46rem){
header{padding-top:1.25rem}header,nav,main,footer{padding-left:.9rem;padding-right:.9rem}
.lead{font-size:1.1rem}
.tiles li{flex-basis:40%}
th,td{padding:.35rem .3rem}table.fit{min-width:0}table.grid th:first-child{width:6.5rem}
.strip{grid-template-columns:1fr;padding-top:.3rem}
table.stack,table.stack caption,table.stack tbody,table.stack tr,table.stack td,table.stack th{display:block;width:auto!important}
table.stack thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
table.stack tr{border-bottom:1px solid var(--line);padding:.5rem 0}
table.stack td,table.stack th{border:0;padding:.1rem 0}
table.stack td.n{text-align:left}
table.stack td[data-t]::before{content:attr(data-t) " ";color:var(--soft);font-size:.8rem}
}
@media print{html{font-size:72%}body{font-size:9pt}table.grid{min-width:0}header,main{max-width:none;padding:0}.strip{grid-template-columns:8rem 1fr}nav{display:none}h2,h3,summary{break-after:avoid}tr,.strip,.req{break-inside:avoid}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}details.item::details-content{content-visibility:visible;block-size:auto}}
)css";

}  // namespace aoti_cts
