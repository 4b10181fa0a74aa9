/** What the keys of runners and locks of effect/cluster begin with, unless another prefix is given. */
export const runnersPrefix = "wirewright:cluster:"
