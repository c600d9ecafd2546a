"""How the panel report looks: on a screen, on a telephone, and on A4 paper."""

from __future__ import annotations

from drg.page.fonts import FALLBACK, FAMILY

STYLE = f"""
* {{ box-sizing: border-box; }}
html {{ -webkit-text-size-adjust: 100%; }}
body {{ font: 15px/1.6 "{FAMILY}", {FALLBACK}; color: #1a1a1a; background: #fff; margin: 0 auto;
  max-width: 1020px; padding: 28px 28px 60px; font-kerning: normal; }}
h1 {{ font-size: 28px; line-height: 1.3; margin: 0; }}
h2 {{ font-size: 20px; line-height: 1.35; margin: 44px 0 14px; padding-bottom: 6px;
  border-bottom: 2px solid #14425f; color: #14425f; }}
h3 {{ font-size: 15.5px; margin: 24px 0 8px; color: #14425f; }}
h1, h2, h3, p, li, dd, figcaption {{ overflow-wrap: anywhere; }}
td, th, caption {{ overflow-wrap: break-word; }} .name, .long {{ overflow-wrap: anywhere; }}
.name {{ min-width: 10em; }} .long {{ min-width: 12em; }} .s {{ white-space: nowrap; }}
p {{ margin: 8px 0; }} a {{ color: #14425f; }}
header p {{ margin: 4px 0 0; color: #4d4d4d; }}
.quiet {{ color: #4d4d4d; font-size: 13px; }}
.call {{ border-left: 4px solid #d55e00; background: #fdf3ea; padding: 8px 12px; }}
.lead {{ font-size: 17px; line-height: 1.7; }}
.figures {{ display: grid; grid-template-columns: repeat(5, 1fr); gap: 12px; margin: 18px 0;
  padding: 0; list-style: none; }}
.figures li {{ border: 1px solid #c4c4c4; border-top: 4px solid #14425f; padding: 10px 12px; }}
.figures span, .figures b, .figures small {{ display: block; }}
.figures span {{ font-size: 13px; color: #4d4d4d; line-height: 1.35; min-height: 2.7em; }}
.figures b {{ font-size: 22px; line-height: 1.3; font-variant-numeric: tabular-nums;
  margin: 4px 0; }}
.figures b i {{ font: inherit; font-size: 13px; font-weight: 400; white-space: nowrap; }}
.figures small {{ font-size: 12px; color: #4d4d4d; line-height: 1.4; }}
dl {{ display: grid; grid-template-columns: minmax(7em, 13em) 1fr; gap: 4px 16px; margin: 8px 0; }}
dt {{ color: #4d4d4d; }} dd {{ margin: 0; }}
nav ol {{ columns: 2; column-gap: 40px; padding-left: 1.6em; margin: 8px 0; }}
nav li {{ break-inside: avoid; margin: 2px 0; }}
.box {{ overflow-x: auto; margin: 12px 0; }}
.box:focus-visible {{ outline: 2px solid #14425f; }}
table {{ border-collapse: collapse; width: 100%; font-size: 13px; line-height: 1.45; }}
caption {{ text-align: left; font-weight: 700; padding: 4px 0 6px; }}
caption span {{ display: inline-block; }} caption small {{ font-weight: 400; color: #4d4d4d; }}
th, td {{ padding: 4px 7px; border-bottom: 1px solid #d8d8d8; vertical-align: top;
  text-align: left; }}
thead th {{ border-top: 1.5px solid #14425f; border-bottom: 1.5px solid #14425f;
  vertical-align: bottom; font-weight: 700; background: #eef3f6; }}
thead small {{ display: block; font-weight: 400; color: #4d4d4d; white-space: nowrap; }}
tbody th {{ font-weight: 400; }}
.n {{ text-align: right; font-variant-numeric: tabular-nums lining-nums; white-space: nowrap; }}
thead .n {{ white-space: normal; }}
.code {{ font-size: 12px; word-break: break-all; }}
.total td, .total th {{ font-weight: 700; border-top: 1.5px solid #1a1a1a; }}
.total + .total td, .total + .total th {{ border-top: 0; }}
.loss {{ color: #8a3a00; }}
figure {{ margin: 16px 0; }}
figcaption {{ font-weight: 700; padding: 4px 0 6px; }}
figure svg {{ display: block; width: 100%; height: auto; min-width: 600px; }}
.card {{ border: 1px solid #c4c4c4; position: relative; padding: 6px 14px 8px; margin: 12px 0; }}
.card h3 {{ margin: 2px 0 6px; display: flex; flex-wrap: wrap; gap: 0 12px; }}
.card h3 span {{ font-weight: 400; font-size: 13px; color: #4d4d4d; }}
.card .figures {{ gap: 4px 18px; margin: 4px 0; grid-template-columns: repeat(6, 1fr); }}
.card .figures li {{ border: 0; padding: 0; }} .card .figures b {{ font-size: 15px; margin: 0; }}
.card .figures span {{ font-size: 12px; min-height: 0; }} .card p {{ margin: 4px 0; }}
.card table {{ font-size: 12.5px; }} .card caption {{ position: absolute; width: 1px; height: 1px;
  padding: 0; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }}
.card .box {{ margin: 4px 0; }}
.swipe {{ display: none; }}
footer {{ border-top: 1px solid #c4c4c4; margin-top: 40px; padding-top: 10px; }}
@media screen and (max-width: 720px) {{
  body {{ padding: 16px 14px 40px; }} h1 {{ font-size: 23px; }} h2 {{ font-size: 18px; }}
  .figures {{ grid-template-columns: 1fr 1fr; }} .figures span {{ min-height: 0; }}
  .card .figures {{ grid-template-columns: 1fr 1fr 1fr; }}
  nav ol {{ columns: 1; }} dl {{ grid-template-columns: 1fr; gap: 0; }} dd {{ margin-bottom: 6px; }}
  .box table {{ min-width: 600px; }} .box.narrow table {{ min-width: 0; }}
  caption span {{ position: sticky; left: 0; max-width: calc(100vw - 40px); }}
  .swipe {{ display: block; margin: 6px 0 -8px; font-size: 12px; color: #4d4d4d; }}
  .box:not(.narrow) {{ border-right: 3px solid #c4c4c4; }} figure svg {{ min-width: 560px; }}
  .box:not(.narrow) th:first-child {{ position: sticky; left: 0; background: #fff; z-index: 1;
    max-width: 8.5em; min-width: 7em; box-shadow: 1px 0 0 #c4c4c4; }}
  .box:not(.narrow) thead th:first-child {{ background: #eef3f6; }} .name {{ min-width: 6em; }}
}}
@page {{ size: A4; margin: 11mm 12mm 13mm;
  @bottom-right {{ content: counter(page) " / " counter(pages); font-size: 9pt;
    color: #4d4d4d; }} }}
@media print {{
  body {{ max-width: none; padding: 0; font-size: 9.5pt; line-height: 1.45; }}
  h1 {{ font-size: 20pt; }} h2 {{ font-size: 13pt; margin: 15pt 0 6pt; }}
  h3 {{ font-size: 10.5pt; margin: 10pt 0 4pt; }} p {{ margin: 4pt 0; }} figure {{ margin: 8pt 0; }}
  .lead {{ font-size: 10.5pt; line-height: 1.5; }} .quiet {{ font-size: 8.5pt; }}
  .box {{ overflow: visible; margin: 6pt 0; }} table {{ font-size: 8pt; line-height: 1.35; }}
  thead small {{ font-size: 7pt; white-space: normal; }}
  th, td {{ padding: 1.3pt 3pt; }} .name {{ min-width: 5em; }}
  tbody th.name {{ min-width: 10.6em; }} :lang(zh) .card .name {{ white-space: nowrap; }}
  thead {{ display: table-header-group; }} tfoot {{ display: table-row-group; }}
  tr, figure, .card, .whole, .figures, .figures li, dl > div {{ break-inside: avoid; }}
  h2, h3, caption, figcaption {{ break-after: avoid; }} p {{ orphans: 3; widows: 3; }}
  .page {{ break-before: page; }} .page h2 {{ margin-top: 0; }}
  figure svg {{ min-width: 0; width: 70%; }} p:has(+ ul) {{ break-after: avoid; }}
  a {{ color: inherit; text-decoration: none; }}
  .figures b {{ font-size: 15pt; }} .figures b i {{ font-size: 9pt; }}
  .figures span, .figures small {{ font-size: 8.5pt; }}
  .card {{ padding: 1pt 7pt; margin: 3pt 0; }} .card table {{ font-size: 7.5pt; }}
  .card thead small {{ display: inline; }} .code {{ font-size: 7pt; }} .long {{ min-width: 15em; }}
  .card th, .card td {{ padding: 1pt 4pt; }}
  .card p {{ margin: 1pt 0; font-size: 7.5pt; line-height: 1.3; }}
  .card h3 {{ margin: 0 0 2pt; font-size: 10.5pt; }} .card .figures {{ margin: 1pt 0; }}
  .card .figures b {{ font-size: 10.5pt; }} .card .figures span {{ font-size: 8pt; }}
  .card .box {{ margin: 1pt 0; }} dl {{ gap: 1pt 12pt; margin: 4pt 0; }}
  thead th, .call, svg {{ -webkit-print-color-adjust: exact; print-color-adjust: exact; }}
}}
"""
