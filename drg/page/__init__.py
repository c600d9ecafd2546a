"""Pages (页面): what every page has: layout, tables, figures, words, fonts, small cells."""
