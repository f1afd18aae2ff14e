/** What was typed is no value of its column: found before it is sent. The message is for whoever typed it. */
export class Unfit extends Error {}
