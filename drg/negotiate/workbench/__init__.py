"""The notebook workbench (权重谈判工作台)."""
