"""Cases of a year (结算病例) as pricing takes them: claims, hospitals, the stays of a person."""
