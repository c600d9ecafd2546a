"""Spark (分布式计算): datasets worked on where they lie, by the executors of a cluster."""
