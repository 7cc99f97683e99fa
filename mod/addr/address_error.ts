import { PgwError } from "../errors.ts";

/** A text that was meant to be an address is not one: the message names the text and what is allowed. */
export class AddressError extends PgwError {}
