/**
 * Errors and their reasons as schemas, so that they cross processes: an RPC, a cluster or a cache that keeps them gives back the same class.
 *
 * Schema's own constructors check what they are given, which takes longer than making the error; where thousands of requests fail at once
 * that shows. These are Data's classes with what makes Schema's a schema, and trust the compiler. What comes from another process is checked.
 */
import type * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Schema from "effect/Schema"

const ofItsOwn: ReadonlyArray<PropertyKey> = ["length", "name", "prototype"]

/** Gives a class what a class of Schema has besides its constructor: all of it finds the class it is asked of by `this`. */
const as = <S extends object>(plain: object, schema: S): S => {
  for (const key of Reflect.ownKeys(schema)) {
    if (!ofItsOwn.includes(key)) Object.defineProperty(plain, key, Reflect.getOwnPropertyDescriptor(schema, key)!)
  }
  return plain as S
}

/** As `Schema.TaggedError`, with a constructor that does not check. */
export const TaggedError = <Self>() =>
<Tag extends string, const Fields extends Schema.Struct.Fields>(
  tag: Tag,
  fields: Fields
): Schema.Class<Self, Schema.TaggedStruct<Tag, Fields>, Cause.YieldableError> =>
  as(
    Data.TaggedError(tag),
    Schema.TaggedError<Self>()(tag, fields) as Schema.Class<Self, Schema.TaggedStruct<Tag, Fields>, Cause.YieldableError>
  )

/** As `Schema.TaggedClass`, with a constructor that does not check. */
export const TaggedClass = <Self>() =>
<Tag extends string, const Fields extends Schema.Struct.Fields>(
  tag: Tag,
  fields: Fields
): Schema.Class<Self, Schema.TaggedStruct<Tag, Fields>, {}> =>
  as(Data.TaggedClass(tag), Schema.TaggedClass<Self>()(tag, fields) as Schema.Class<Self, Schema.TaggedStruct<Tag, Fields>, {}>)
