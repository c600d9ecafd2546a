"""Why a case is paid what it is paid (病例支付解释): as a document and in words."""
