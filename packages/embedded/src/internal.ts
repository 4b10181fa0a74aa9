/** What the other packages of this repository need of this one. It changes without notice. */
export { settingNames } from "./BucketSettings.ts"
export { Features, negotiate } from "./Hello.ts"
export { passwordCheck } from "./Users.ts"
