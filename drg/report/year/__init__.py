"""The sheets of a year (年度表单): to sign, to send to each hospital, to publish."""
