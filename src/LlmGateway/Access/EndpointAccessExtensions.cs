namespace LlmGateway.Access;

/// <summary>Classifies endpoints where they are mapped.</summary>
internal static class EndpointAccessExtensions
{
    public static TBuilder WithAccess<TBuilder>(this TBuilder builder, EndpointAccess access)
        where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new EndpointAccessMetadata(access));
}
