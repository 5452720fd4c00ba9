package io.mosaic.server.role;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.util.Objects;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.context.annotation.Condition;
import org.springframework.context.annotation.ConditionContext;
import org.springframework.context.annotation.Conditional;
import org.springframework.core.type.AnnotatedTypeMetadata;

/** Restricts a component to processes with a given role. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Documented
@Conditional(ConditionalOnRole.HasRole.class)
public @interface ConditionalOnRole {
    Role value();

    /** Reads the roles before any bean exists. */
    final class HasRole implements Condition {
        @Override
        public boolean matches(ConditionContext context, AnnotatedTypeMetadata metadata) {
            Role role =
                    (Role) Objects.requireNonNull(metadata.getAnnotationAttributes(ConditionalOnRole.class.getName()))
                            .get("value");
            return Binder.get(context.getEnvironment())
                    .bindOrCreate("mosaic", Roles.class)
                    .has(Objects.requireNonNull(role));
        }
    }
}
