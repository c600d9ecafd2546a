"""How the minutes look beyond the panel report: numbered sentences, lines to fill in by hand."""

from __future__ import annotations

STYLE = """
section[aria-labelledby="summary"] ul:not(.figures) { list-style: decimal; padding-left: 1.7em;
  font-size: 16px; line-height: 1.65; margin: 10px 0; }
section[aria-labelledby="summary"] ul:not(.figures) li { margin: 4px 0; }
section[aria-labelledby="signatures"] td, section[aria-labelledby="signatures"] tbody th {
  height: 46px; vertical-align: bottom; border-bottom: 1px solid #4d4d4d; }
section[aria-labelledby="signatures"] th:nth-child(3) { width: 34%; }
.card dl { font-size: 13.5px; grid-template-columns: 6em 1fr; }
@media screen and (max-width: 720px) { .card dl { grid-template-columns: 5em 1fr; gap: 2px 8px; } }
@media print {
  section[aria-labelledby="summary"] ul:not(.figures) { font-size: 10.5pt; line-height: 1.55;
    margin: 4pt 0; }
  section[aria-labelledby="signatures"] td, section[aria-labelledby="signatures"] tbody th {
    height: 30pt; font-size: 9.5pt; }
  .card dl { font-size: 8.5pt; grid-template-columns: minmax(5em, 8em) 1fr; }
  dl { break-inside: avoid; }
  nav { break-before: page; }
  h2, h3, caption { break-after: avoid; }
}
"""
