"""Health, configuration, models, organizations, and how errors come through the client."""

from __future__ import annotations

import asyncio
from datetime import datetime

import httpx
from aitronos import AsyncAitronos
from aitronos.core.api_error import ApiError
from aitronos.errors import NotFoundError, UnauthorizedError
from aitronos.types.provider_response import ProviderResponse
from aitronos.types.provider_validation_response import ProviderValidationResponse
from registry import check
from world import World, has, identified, refused, said, unique


@check("health.liveness")
def liveness(world: World) -> None:
    assert world.strictly(world.client_of("ak_nobody").health.liveness_check()).status == "ok"


@check("health.readiness")
def readiness(world: World) -> None:
    answer = world.strictly(world.client_of("ak_nobody").health.readiness_check())
    assert answer.components and all(each.name and each.status for each in answer.components)


@check("config.auth_mode")
def auth_mode(world: World) -> None:
    answer = world.strictly(world.client_of("ak_nobody").config.get_auth_mode())
    assert answer.authentication_mode and answer.dev_login_enabled is False


@check("models.list")
def models(world: World) -> None:
    answer = world.strictly(world.client.models.list_models())
    assert answer.total_count == len(answer.models) > 0
    for model in answer.models:
        identified(model.id, "mdl")
        has(model, ("description", "provider", "capabilities", "context_window", "pricing"))
        assert model.key and model.name and model.availability_status
    assert answer.object == "list" and {each["id"] for each in answer.data} == {model.key for model in answer.models}
    for row in answer.data:
        assert row["object"] == "model" and isinstance(row["created"], int) and row["owned_by"]


@check("models.list with every option")
def models_options(world: World) -> None:
    names = ("ui_models_only", "include_pricing", "include_details", "include_capabilities", "include_deprecated",
             "include_legacy", "include_recent_usage")
    for value in (True, False):
        answer = world.strictly(world.client.models.list_models(**{name: value for name in names}))
        assert answer.total_count == len(answer.models)


@check("organizations.list")
def organizations(world: World) -> None:
    page = world.strictly(world.client.organizations.list_organizations())
    assert (page.total, page.skip) == (1, 0) and page.limit >= 1 and len(page.organizations) == 1
    one = page.organizations[0]
    identified(one.id, "org")
    assert one.name and one.type and one.is_active is True and isinstance(one.created_at, datetime)
    assert world.strictly(world.client.organizations.list_organizations(skip=1, limit=1)).organizations == []
    assert world.client.organizations.list_organizations(active_only=True).total == 1


@check("organizations.get")
def organization(world: World) -> None:
    got = world.strictly(world.client.organizations.get_organization(world.organization_id))
    assert got.id == world.organization_id
    assert got.owner_id is None or identified(got.owner_id, "usr")
    other = f"org_{'0' * 32}"
    refused(403, "ORGANIZATION_ACCESS_DENIED", lambda: world.client.organizations.get_organization(other))


@check("organizations.update")
def organization_update(world: World) -> None:
    before = world.client.organizations.get_organization(world.organization_id)
    call = world.client.organizations.update_organization
    name = unique("Organization")
    changed = world.strictly(call(world.organization_id, name=name, description="d"))
    assert (changed.name, changed.description) == (name, "d")
    assert call(world.organization_id, name=before.name, description=before.description).name == before.name


@check("organizations.list_providers")
def providers(world: World) -> None:
    listed = world.client.organizations.list_providers(world.organization_id)
    assert listed and all(isinstance(each, ProviderResponse) for each in listed)
    active = world.client.organizations.list_providers(world.organization_id, active_only=True)
    assert {each.provider_name for each in active} <= {each.provider_name for each in listed}


@check("organizations.validate_providers")
def providers_validate(world: World) -> None:
    answer = world.client.organizations.validate_providers(world.organization_id)
    for name, each in answer.items():
        assert isinstance(each, ProviderValidationResponse) and each.provider_name == name
    listed = world.client.organizations.list_providers(world.organization_id)
    assert {each.provider_name for each in listed} <= set(answer)


@check("organizations.update_provider", own_server=True)
def provider_update(world: World) -> None:
    call = world.client.organizations.update_provider

    def anthropic() -> ProviderValidationResponse:
        return world.client.organizations.validate_providers(world.organization_id)["anthropic"]

    assert isinstance(call(world.organization_id, "anthropic", api_key="scripted-secret", is_active=True), dict)
    assert "scripted-secret" not in world.last.text
    assert anthropic().has_credentials and anthropic().is_active
    call(world.organization_id, "anthropic", is_active=False)
    assert not anthropic().is_active and not anthropic().can_be_used
    try:
        call(world.organization_id, "nobody", is_active=True)
    except ApiError as error:
        assert error.status_code in (404, 422), error.body
    else:
        raise AssertionError("took an unknown provider")


@check("errors 401")
def unauthorized(world: World) -> None:
    stranger = world.client_of(f"ak_{'0' * 32}")
    error = refused(401, "AUTHENTICATION_REQUIRED", stranger.workflows.list_workflows)
    assert error["type"] == "authentication_error"
    assert error["message"] == "Authentication required. Please provide a valid API key."
    assert error["system_message"] == "Missing or invalid authorization header"
    thread_id = f"thread_{'0' * 32}"
    refused(401, "AUTHENTICATION_REQUIRED", lambda: stranger.messages.get_thread_messages(thread_id), UnauthorizedError)
    hello = [said("hello")]
    refused(401, "AUTHENTICATION_REQUIRED", lambda: stranger.responses.create_response(inputs=hello, stream=True))


@check("errors 403")
def forbidden(world: World) -> None:
    made = world.client.api_keys.create_api_key(world.organization_id, key_name=unique("reader"), scopes=["workflows:read"])
    world.afterwards.append(lambda: world.client.api_keys.delete_api_key(world.organization_id, made.id))
    reader = world.client_of(made.key)
    reader.workflows.list_workflows()
    error = refused(403, "INSUFFICIENT_PERMISSIONS", lambda: reader.workflows.create_workflow(name="x", definition={}))
    assert error["type"] == "authorization_error"
    assert error["message"] == "You do not have permission to access this resource."
    refused(403, "INSUFFICIENT_PERMISSIONS", lambda: reader.responses.create_response(inputs=[said("hello")]))


@check("errors 404")
def not_found(world: World) -> None:
    call = world.client.messages.get_thread_messages
    error = refused(404, "THREAD_NOT_FOUND", lambda: call(f"thread_{'0' * 32}"), NotFoundError)
    assert error["type"] == "not_found_error"
    refused(404, "ROUTE_NOT_FOUND", lambda: world.raw("GET", "v1/nothing"))


@check("errors credentials in other headers")
def other_headers(world: World) -> None:
    empty = {"x-api-key": None}
    for headers in ({"api-key": world.key}, {"Authorization": f"Bearer {world.key}"}):
        options = {"additional_headers": {**empty, **headers}}
        world.client.workflows.list_workflows(request_options=options)
        assert "x-api-key" not in world.last.request.headers


@check("workflows.list with the asynchronous client")
def asynchronous(world: World) -> None:
    async def ask() -> int:
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
            client = AsyncAitronos(api_key=world.key, base_url=world.url, httpx_client=http)
            return (await client.workflows.list_workflows(limit=1)).limit

    assert asyncio.run(ask()) == 1
