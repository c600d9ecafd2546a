"""How the workbench looks: large, dark on white, also in a dark JupyterLab and on a projector."""

from __future__ import annotations

STYLE = """<style>
.drg-bench{--jp-widgets-font-size:16px;--jp-widgets-inline-height:34px;
--jp-widgets-color:#1a1a1a;--jp-widgets-label-color:#1a1a1a;
--jp-widgets-readout-color:#1a1a1a;--jp-widgets-input-color:#1a1a1a;
--jp-widgets-input-background-color:#fff;--jp-widgets-input-border-color:#767676;
--jp-widgets-slider-handle-size:20px;--jp-widgets-slider-track-thickness:6px;
--jp-widgets-slider-active-handle-color:#0072b2;--jp-widgets-slider-handle-border-color:#0072b2;
--jp-ui-font-size1:16px;--jp-layout-color1:#fff;--jp-layout-color2:#eef1f4;
--jp-ui-font-color1:#1a1a1a;--jp-border-color1:#767676;
background:#fff;color:#1a1a1a;padding:8px 10px;overflow:visible;
font-family:"Noto Sans CJK SC","Noto Sans SC","Source Han Sans SC","Microsoft YaHei",
"PingFang SC",sans-serif}
.drg-bench .widget-html-content{font-size:16px;line-height:1.35;color:#1a1a1a}
.drg-bench h3{margin:0;font-size:20px}
.drg-bench h3 small{font-weight:400;font-size:14px;color:#4d4d4d;margin-left:10px}
.drg-bench .say{min-height:26px;font-weight:600;overflow-wrap:anywhere}
.drg-bench .say.bad{color:#b00020}.drg-bench .say.good{color:#00613f}
.drg-bench .tiles{display:flex;flex-wrap:wrap;gap:6px}
.drg-bench .tile{flex:1 1 118px;min-width:0;border:1px solid #c4c4c4;border-top:4px solid #0072b2;
padding:2px 7px 4px}
.drg-bench .tile.bad{border-top-color:#d55e00}
.drg-bench .tile span{display:block;font-size:14px;color:#4d4d4d}
.drg-bench .tile strong{display:block;font-size:21px;line-height:1.2;white-space:nowrap}
.drg-bench .tile small{display:block;font-size:13px;line-height:1.25;color:#1a1a1a;
overflow-wrap:anywhere}
.drg-bench .alarm{color:#b33f00}
.drg-bench svg{display:block;width:100%;max-width:860px;height:auto}
.drg-bench table{border-collapse:collapse;font-size:15px;margin:2px 0 10px;color:#1a1a1a}
.drg-bench th,.drg-bench td{padding:3px 10px;border-bottom:1px solid #c4c4c4;text-align:left;
background:#fff;color:#1a1a1a;vertical-align:top;white-space:normal}
.drg-bench th{border-bottom:2px solid #1a1a1a}
.drg-bench .n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.drg-bench td.up{color:#00558a}.drg-bench td.down{color:#b33f00}
.drg-bench tr.total td{font-weight:700;border-top:2px solid #1a1a1a}
.drg-bench .pair{display:flex;flex-wrap:wrap;gap:4px 28px;align-items:flex-start}
.drg-bench .wide{overflow-x:auto}
.drg-bench .wide td:first-child{white-space:nowrap}
.drg-bench .wide th.n{white-space:normal;min-width:96px;max-width:170px}
.drg-bench .note{margin:4px 0;color:#333}
.drg-bench .row{border-top:1px solid #c4c4c4;padding-top:2px}
.drg-bench .row .widget-html-content{line-height:26px}
.drg-bench .row .widget-html{height:26px;margin:0 2px}
.drg-bench .row .widget-button{margin:0 2px;line-height:26px}
.drg-bench .rowname{font-size:15px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.drg-bench .rowname b{color:#00558a}.drg-bench .rowname b.down{color:#b33f00}
.drg-bench .rowname i{font-style:normal;font-weight:700;color:#fff;background:#b33f00;
padding:0 5px;border-radius:3px}
.drg-bench select[multiple]{font-size:15px}
.drg-bench a.file{font-weight:600;color:#00558a;margin-right:18px}
.drg-bench .lm-TabBar-tab{min-width:0!important;flex:0 1 auto!important;padding:0 12px;
font-size:16px}
</style>"""
