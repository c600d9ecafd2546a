"""Proposals (权重调整申请): read from forms, judged, and what they come to."""
