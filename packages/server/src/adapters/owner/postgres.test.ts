import { makePostgresGround } from "../../testing/owner-ground.ts"
import { describeOwner } from "./owner.testsuite.ts"

describeOwner("Postgres", makePostgresGround)
