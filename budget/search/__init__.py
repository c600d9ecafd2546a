"""Policy search (政策寻优): the least change of a policy that meets targets."""
