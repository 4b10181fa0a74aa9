/**
 * The classic losses of change streams, as edits of our sources at each place where one of them can be made. Each has to fail the schedules, or the
 * servers that misbehave, within 2 000 seeds. Where a part of the shell has no place for one, what it would need is not in it.
 */

/** What real consumers did wrong. */
export const losses = {
  "(R,R,R)": "resumes where the producer says, though no snapshot was whole there",
  "(s,s)": "claims a whole snapshot when it has a part of one",
  "collapse": "takes SEQNO_ADVANCED for the end of the snapshot",
  "skip": "counts what was not processed as processed",
  "lost branch": "keeps what it did ahead of its checkpoint when the history went on another way",
  "stale acks": "does not acknowledge frames that nobody takes"
} as const

/** One loss at one place. */
export interface Planting {
  readonly loss: keyof typeof losses
  /** Below `packages/dcp/src`, without `.ts`. */
  readonly file: string
  /** Which of the file's places. */
  readonly place: string
  /** Stands in the file exactly once. */
  readonly find: string
  readonly replace: string
}

export const plantings: ReadonlyArray<Planting> = [
  // ── (R,R,R)
  {
    loss: "(R,R,R)",
    file: "Checkpoint",
    place: "resumption",
    find: "const end = newestComplete(checkpoint, requested)",
    replace: "const end = { vbucketUuid: branchesAt(checkpoint.failoverLog, requested)[0]?.vbucketUuid ?? 0n, seqno: requested }"
  },
  {
    loss: "(R,R,R)",
    file: "Checkpoint",
    place: "resumptionFromLog",
    find: "const end = newestComplete(checkpoint, ancestor.seqno)",
    replace: "const end: CompleteAt | undefined = ancestor"
  },
  {
    loss: "(R,R,R)",
    file: "VbucketFollower",
    place: "goBack",
    find: `    this.progress.restart(found.checkpoint)
    this.mark({ from: checkpoint.position.seqno, to: found.checkpoint.position.seqno, requested, reason: found.reason })`,
    replace: `    const { vbucketUuid } = checkpoint.failoverLog.find((entry) => entry.seqno <= requested) ?? { vbucketUuid: 0n }
    this.progress.restart({ ...found.checkpoint, position: { vbucketUuid, seqno: requested, snapshotStart: requested, snapshotEnd: requested } })
    this.mark({ from: checkpoint.position.seqno, to: requested, requested, reason: found.reason })`
  },
  {
    loss: "(R,R,R)",
    file: "VbucketFibre",
    place: "ask",
    find: "          const answer = yield* Effect.result(ask(stream, action.ask, node, world))\n",
    replace: `          const { told } = stream as { told?: bigint }
          const asked = told === undefined ? action.ask : { ...action.ask, startSeqno: told, snapStartSeqno: told, snapEndSeqno: told }
          const answer = yield* Effect.result(ask(stream, asked, node, world))
          const back = answer._tag === "Success" && answer.success._tag === "DcpStreamRequestRollback"
          Object.assign(stream, { told: back ? answer.success.rollbackSeqno : undefined })
`
  },
  // ── (s,s)
  { loss: "(s,s)", file: "Progress", place: "positionAt", find: "  complete ? completeAt(", replace: "  true ? completeAt(" },
  {
    loss: "(s,s)",
    file: "Progress",
    place: "within",
    find: "snapshotStart: start === seqno ? start - 1n : start,",
    replace: "snapshotStart: seqno,"
  },
  {
    loss: "(s,s)",
    file: "SnapshotTracker",
    place: "place",
    find: "return seqno === snapshot.end ? snapshot.last : snapshot.within",
    replace: "return snapshot.last"
  },
  {
    loss: "(s,s)",
    file: "SnapshotTracker",
    place: "constructor: a resumed snapshot is forgotten",
    find: "if (from.seqno === from.snapshotEnd) return",
    replace: "if (from.seqno <= from.snapshotEnd) return"
  },
  {
    loss: "(s,s)",
    file: "SnapshotTracker",
    place: "marker: a part counts as a whole",
    find: "const unfinished = current !== undefined && current.end > last ? current : undefined",
    replace: "const unfinished = undefined as Range | undefined"
  },
  {
    loss: "(s,s)",
    file: "VbucketFollower",
    place: "asking",
    find: "snapStartSeqno: position.snapshotStart,\n        snapEndSeqno: position.snapshotEnd,",
    replace: "snapStartSeqno: position.seqno, snapEndSeqno: position.seqno,"
  },
  {
    loss: "(s,s)",
    file: "VbucketFibre",
    place: "ask",
    find: "connection.requestStream({ ...fields,",
    replace: "connection.requestStream({ ...fields, snapStartSeqno: fields.startSeqno, snapEndSeqno: fields.startSeqno,"
  },
  {
    loss: "(s,s)",
    file: "VbucketStream",
    place: "current",
    find: "    progress.stored(checkpoint)\n    return checkpoint",
    replace:
      "    progress.stored(checkpoint)\n    const { position } = checkpoint\n    return { ...checkpoint, position: { ...position, snapshotStart: position.seqno, snapshotEnd: position.seqno } }"
  },
  {
    loss: "(s,s)",
    file: "DcpConnection",
    place: "StreamCall",
    find: "encodeDcpStreamRequest(writer, { ...this.fields,",
    replace:
      "encodeDcpStreamRequest(writer, { ...this.fields, snapStartSeqno: this.fields.startSeqno, snapEndSeqno: this.fields.startSeqno,"
  },
  // ── collapse
  {
    loss: "collapse",
    file: "Progress",
    place: "pass",
    find: "return this.process(this.deliver(new Passed(seqno, placed)))",
    replace: "return this.process(this.deliver(new Passed(seqno, { ...placed, complete: true })))"
  },
  {
    loss: "collapse",
    file: "VbucketFollower",
    place: "pass",
    find: "return this.progress.pass(seqno, placed)",
    replace: "return this.progress.pass(seqno, { ...placed, complete: true })"
  },
  {
    loss: "collapse",
    file: "VbucketStream",
    place: "DcpSeqnoAdvanced",
    find: "follower.pass(packet.bySeqno, placed)",
    replace: "follower.pass(packet.bySeqno, { ...placed, complete: true })"
  },
  // ── skip
  {
    loss: "skip",
    file: "Progress",
    place: "process",
    find: "return message === this.head && this.advance()",
    replace: "for (let one = this.head; one !== undefined && one !== message; one = one.next) one.waits = false\n    return this.advance()"
  },
  {
    loss: "skip",
    file: "Progress",
    place: "advance",
    find: "one !== undefined && !one.waits; one = this.leave(one)",
    replace: "one !== undefined; one = this.leave(one)"
  },
  {
    loss: "skip",
    file: "VbucketFollower",
    place: "forget: what was received counts",
    find: "    this.aheadTo = greatest(this.aheadTo, this.progress.forget())",
    replace:
      "    while (this.progress.oldest !== undefined) this.progress.process(this.progress[\"head\"]!)\n    this.aheadTo = greatest(this.aheadTo, this.progress.forget())"
  },
  {
    loss: "skip",
    file: "VbucketFollower",
    place: "deliver: counts at once",
    find: "    this.progress.deliver(message)\n  }",
    replace: "    this.progress.deliver(message)\n    this.progress.process(message)\n  }"
  },
  {
    loss: "skip",
    file: "VbucketStream",
    place: "settle",
    find: "if (progress.process(event)) this.tell()",
    replace:
      "for (let one = progress[\"head\"]; one !== undefined && one !== event; one = progress[\"head\"]) progress.process(one)\n    if (progress.process(event)) this.tell()"
  },
  {
    loss: "skip",
    file: "VbucketStream",
    place: "deliver: counts at once",
    find: "    this.owner.delivered(event)\n    this.emit(event, bytes)",
    replace: "    this.owner.delivered(event)\n    this.settle(event)\n    this.emit(event, bytes)"
  },
  {
    loss: "skip",
    file: "Processing",
    place: "handleOne: counts before its handler has returned",
    find: "return Effect.map(change(event), () => settle(event))",
    replace: "settle(event)\n    return change(event)"
  },
  {
    loss: "skip",
    file: "DcpConsumer",
    place: "stop: what waits counts",
    find: "        stream.follower.stopped()\n",
    replace:
      "        const { progress } = stream.follower\n        while (progress.oldest !== undefined) progress.process(progress[\"head\"]!)\n        stream.follower.stopped()\n"
  },
  // ── lost branch
  {
    loss: "lost branch",
    file: "VbucketFollower",
    place: "opened",
    find: "if (this.ahead && (changed || purged)) {",
    replace: "if (this.ahead && purged) {"
  },
  {
    loss: "lost branch",
    file: "VbucketFollower",
    place: "constructor: what an earlier process delivered is forgotten",
    find: "this.aheadTo = checkpoint.ahead ? endless : 0n",
    replace: "this.aheadTo = 0n"
  },
  {
    loss: "lost branch",
    file: "VbucketFollower",
    place: "forget: what this process delivered is forgotten",
    find: "    this.aheadTo = greatest(this.aheadTo, this.progress.forget())",
    replace: "    this.progress.forget()"
  },
  {
    loss: "lost branch",
    file: "VbucketFollower",
    place: "deliver: without announcing it",
    find: "if (!this.progress.ahead || this.marked !== undefined) {",
    replace: "if (this.marked !== undefined) {"
  },
  {
    loss: "lost branch",
    file: "Progress",
    place: "forget: tells of nothing",
    find: "    this.head = 0\n    return highest\n",
    replace: "    this.head = 0\n    return highest - highest\n"
  },
  {
    loss: "lost branch",
    file: "VbucketFibre",
    place: "Undo: not handed over",
    find: "          yield* undo(vbucket, action.rollback, world)\n",
    replace: "          if (action.rollback.reason !== \"BranchChanged\") yield* undo(vbucket, action.rollback, world)\n"
  },
  {
    loss: "lost branch",
    file: "VbucketFibre",
    place: "Save: the announcement is not stored",
    find: "if (writer !== undefined) yield*",
    replace: "if (writer !== undefined && follower.phase !== \"Announcing\") yield*"
  },
  {
    loss: "lost branch",
    file: "VbucketStream",
    place: "opened: the log it was is the log it is",
    find: "    follower.opened(failoverLog)\n",
    replace:
      "    const before = follower.checkpoint.failoverLog\n    follower.opened(before.length > 0 && failoverLog.length > 0 ? before : failoverLog)\n"
  },
  {
    loss: "lost branch",
    file: "DcpConsumer",
    place: "stop: nothing is said to be ahead",
    find: "        stream.follower.stopped()\n",
    replace: "        stream.follower.progress.amend({ ahead: false })\n"
  },
  // ── stale acks
  {
    loss: "stale acks",
    file: "DcpConnection",
    place: "received: of a stream that is gone",
    find: "        return this.free(end - at)\n",
    replace: "        return\n"
  },
  {
    loss: "stale acks",
    file: "VbucketStream",
    place: "message: that cannot be decoded",
    find: "      connection.free(bytes)\n      if (!(error instanceof DecodeError)) throw error",
    replace: "      if (!(error instanceof DecodeError)) throw error"
  },
  {
    loss: "stale acks",
    file: "VbucketStream",
    place: "message: of another vbucket",
    find: "      connection.free(bytes)\n      return this.violated(`a message of vbucket",
    replace: "      return this.violated(`a message of vbucket"
  },
  {
    loss: "stale acks",
    file: "VbucketStream",
    place: "message: a marker that may not come",
    find: "          connection.free(bytes)\n          return this.violated(violation.message)",
    replace: "          return this.violated(violation.message)"
  },
  {
    loss: "stale acks",
    file: "VbucketStream",
    place: "place: a message that may not come",
    find: "    this.connection!.free(bytes)\n    this.violated(placed.message)",
    replace: "    this.violated(placed.message)"
  },
  {
    loss: "stale acks",
    file: "VbucketStream",
    place: "pass: while something is held",
    find: "    if (this.follower.holding) this.connection!.free(bytes)\n    else this.owner.outbox.pass",
    replace: "    if (!this.follower.holding) this.owner.outbox.pass"
  },
  {
    loss: "stale acks",
    file: "Outbox",
    place: "pass: between events",
    find: "    else credit.free(bytes)\n",
    replace: ""
  }
]

/** A part of the shell that cannot make a loss, as none of these words is in it outside of comments. */
export interface NoPlace {
  readonly loss: keyof typeof losses
  readonly file: string
  readonly needs: RegExp
  readonly why: string
}

export const noPlaces: ReadonlyArray<NoPlace> = [
  {
    loss: "(R,R,R)",
    file: "DcpConsumer",
    needs: /rollbackSeqno|startSeqno|requestStream|position\b/,
    why: "of a rollback it hears only that there was one, and no request goes through it"
  },
  {
    loss: "(R,R,R)",
    file: "VbucketStream",
    needs: /rolledBack|rollbackSeqno|startSeqno: /,
    why: "answers that are no stream do not come to it, and it makes no request"
  },
  { loss: "(s,s)", file: "DcpConsumer", needs: /snapshot(Start|End)|snap(Start|End)Seqno|completeAt/, why: "it takes no position apart" },
  { loss: "collapse", file: "DcpConsumer", needs: /SeqnoAdvanced|progress\.pass/, why: "messages do not come to it" },
  { loss: "collapse", file: "VbucketFibre", needs: /SeqnoAdvanced|progress\.pass|\.place\(/, why: "messages do not come to it" },
  { loss: "collapse", file: "SnapshotTracker", needs: /advanced/, why: "it does not know what kind of message it places" },
  { loss: "collapse", file: "DcpConnection", needs: /SeqnoAdvanced/, why: "it does not read messages of streams" },
  { loss: "skip", file: "VbucketFibre", needs: /progress|\.settle\(|process\(/, why: "it processes nothing and counts nothing" },
  { loss: "skip", file: "DcpConnection", needs: /progress|ordinal|\.settle\(/, why: "it knows nothing of processing" },
  { loss: "lost branch", file: "DcpConnection", needs: /ahead|undo/i, why: "it hands on every log as it came" },
  { loss: "stale acks", file: "DcpConsumer", needs: /\.free\(|outbox\.pass|acknowledge/, why: "frames do not come to it" },
  { loss: "stale acks", file: "VbucketFibre", needs: /\.free\(|outbox\.pass|acknowledge/, why: "frames do not come to it" },
  { loss: "stale acks", file: "FlowControl", needs: /stream|stale|opaque/i, why: "to it all frames are bytes" },
  { loss: "stale acks", file: "VbucketFollower", needs: /bytes|\.free\(/, why: "it knows no bytes" }
]

const pure = new Set(["Checkpoint", "Progress", "SnapshotTracker", "VbucketFollower", "FailoverLog", "RollbackDecision"])
const units = ["SnapshotTracker", "Progress", "Checkpoint", "VbucketFollower", "VbucketFollower.rollbacks"].map((name) =>
  `packages/dcp/src/${name}.test.ts`
)
const shellSuites = ["hostile", "liars", "losses", "processing", "simulation", "consumer", "topology"].map((name) =>
  `test/dcp/${name}.test.ts`
)

/** The suites that have to notice, in the order in which they are asked: the schedules and the servers that misbehave; then the rest. */
export const suitesOf = ({ file }: Planting): ReadonlyArray<string> =>
  pure.has(file) ? ["packages/dcp/src/Simulation.test.ts", ...units] : shellSuites
