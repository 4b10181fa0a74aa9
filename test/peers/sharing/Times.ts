/** How the processes of the test are told what they are, and how fast their cluster notices what happens. */

/** What a member is started with. */
export interface MemberOptions {
  readonly name: string
  /** Where other members reach it; with 127.0.0.1 its name in the cluster. */
  readonly port: number
  /** URL of the database. */
  readonly database: string
  readonly seeds: readonly [{ readonly host: string; readonly port: number }]
  /** Makes the mistake that the test has to find out. */
  readonly unfenced: boolean
}

/** Seconds until locks that nobody refreshes expire. */
export const expiry = 5

/** In the place of what is right for production, so that an hour of failures fits into minutes. */
export const clusterTimes = {
  shardLockRefreshInterval: "1 second",
  shardLockExpiration: `${expiry} seconds`,
  entityMessagePollInterval: "250 millis",
  runnerHealthCheckInterval: "1 second"
} as const
