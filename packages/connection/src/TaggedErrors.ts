/**
 * Errors and their reasons as schemas, so that they cross processes: an RPC, a cluster or a cache that keeps them gives back the same class.
 *
 * Schema's own constructors check what they are given, which takes longer than making the error; where thousands of requests fail at once
 * that shows. These trust the compiler. What comes from another process is checked.
 */
import type * as Cause from "effect/Cause"
import * as Schema from "effect/Schema"

/** The fields with a tag, whose `make` adds the tag and checks nothing. */
const trusting = <Tag extends string, const Fields extends Schema.Struct.Fields>(
  tag: Tag,
  fields: Fields
): Schema.TaggedStruct<Tag, Fields> =>
  Object.defineProperty(Schema.TaggedStruct(tag, fields), "make", { value: (input: object) => ({ _tag: tag, ...input }) })

/** As `Schema.TaggedError`, with a constructor that does not check. */
export const TaggedError = <Self>() =>
<Tag extends string, const Fields extends Schema.Struct.Fields>(
  tag: Tag,
  fields: Fields
): Schema.Class<Self, Schema.TaggedStruct<Tag, Fields>, Cause.YieldableError> =>
  Schema.Error<Self>(tag)(trusting(tag, fields)) as Schema.Class<Self, Schema.TaggedStruct<Tag, Fields>, Cause.YieldableError>

/** As `Schema.TaggedClass`, with a constructor that does not check. */
export const TaggedClass = <Self>() =>
<Tag extends string, const Fields extends Schema.Struct.Fields>(
  tag: Tag,
  fields: Fields
): Schema.Class<Self, Schema.TaggedStruct<Tag, Fields>, {}> =>
  Schema.Class<Self>(tag)(trusting(tag, fields)) as Schema.Class<Self, Schema.TaggedStruct<Tag, Fields>, {}>
