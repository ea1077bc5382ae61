namespace LlmGateway.Access;

/// <summary>The access class of an endpoint, as metadata: authorisation never compares path strings.</summary>
internal sealed record EndpointAccessMetadata(EndpointAccess Access);
