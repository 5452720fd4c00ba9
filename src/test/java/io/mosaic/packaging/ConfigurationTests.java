package io.mosaic.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.fixture.Project;
import java.lang.reflect.Constructor;
import java.lang.reflect.Parameter;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.context.annotation.ClassPathScanningCandidateComponentProvider;
import org.springframework.core.env.MutablePropertySources;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.env.SystemEnvironmentPropertySource;
import org.springframework.core.type.filter.AnnotationTypeFilter;

/** The settings that documents and packages name are those that the code reads. */
class ConfigurationTests {
    private static final Pattern ROW =
            Pattern.compile("(?m)^\\| `(MOSAIC_[A-Z0-9_]+)` \\| `(mosaic[a-z0-9.-]+)` \\| (?:`([^`]+)`|[^|]*) \\|");
    private static final Pattern SPAN = Pattern.compile("`(MOSAIC)?_[A-Z0-9_]+(=[^`]*)?`");

    /** How Compose asks the one who starts it. */
    private static final Pattern ASKED = Pattern.compile("\\$\\{(MOSAIC_[A-Z0-9_]+):");

    /** How the tests ask the one who starts them. */
    private static final Pattern ASKED_BY_TESTS = Pattern.compile("getenv\\(\"(MOSAIC_[A-Z0-9_]+)\"\\)");

    /** How files set a variable, by their folder or name. */
    private static final Map<String, Pattern> SETTING = Map.of(
            "Dockerfile", Pattern.compile("\\b(MOSAIC_[A-Z0-9_]+)="),
            "src/ops/docker", Pattern.compile("(?m)^(MOSAIC_[A-Z0-9_]+)="),
            "docker-compose.yml", Pattern.compile("(?m)^ +(MOSAIC_[A-Z0-9_]+):"),
            "k8s", Pattern.compile("(?m)^ +(?:- name: )?(MOSAIC_[A-Z0-9_]+)\\b"));

    /** By name; empty where the code sets no fixed default. */
    private final Map<String, Optional<String>> properties = properties();

    @Test
    void tableOfTheDeploymentGuideHoldsEveryPropertyWithItsDefault() {
        Map<String, Optional<String>> table = new TreeMap<>();
        ROW.matcher(Project.text("src/docs/deployment.md")).results().forEach(row -> {
            assertThat(row.group(1)).isEqualTo(variable(row.group(2)));
            table.put(row.group(2), Optional.ofNullable(row.group(3)));
        });

        assertThat(properties).containsKey("mosaic.worker.max-attempts");
        assertThat(table).isEqualTo(properties);
    }

    @Test
    void everyVariableReachesItsProperty() {
        properties.keySet().forEach(property -> {
            StandardEnvironment environment = new StandardEnvironment();
            MutablePropertySources sources = environment.getPropertySources();
            sources.replace(
                    StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME,
                    new SystemEnvironmentPropertySource(
                            StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME,
                            Map.of(variable(property), "given")));
            assertThat(Binder.get(environment).bind(property, String.class).orElse("lost"))
                    .as(variable(property))
                    .isEqualTo("given");
        });
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "README.md",
                "src/docs/architecture.md",
                "src/docs/decisions.md",
                "src/docs/deployment.md",
                "src/docs/operations.md"
            })
    void documentsNameVariablesThatExist(String document) {
        Set<String> known = new TreeSet<>(variables());
        known.addAll(names(ASKED, "docker-compose.yml"));
        known.addAll(names(ASKED_BY_TESTS, "src/test/java/io/mosaic/interop"));
        for (String line : Project.text(document).lines().toList()) {
            String prefix = "";
            for (String span :
                    SPAN.matcher(line).results().map(MatchResult::group).toList()) {
                String name = span.replaceAll("`|=.*", "");
                // `MOSAIC_WORKER_LEASE`, `_HEARTBEAT` stands for MOSAIC_WORKER_HEARTBEAT
                prefix = name.startsWith("_") ? prefix : name.replaceFirst("^(MOSAIC_[A-Z0-9]+)_.*$", "$1");
                if (prefix.isEmpty()) {
                    continue; // short for a variable that is not ours
                }
                assertThat(known).as(line).contains(name.startsWith("_") ? prefix + name : name);
            }
        }
    }

    @Test
    void packagesSetVariablesThatExist() {
        Set<String> set = new TreeSet<>();
        SETTING.forEach((place, setting) -> set.addAll(names(setting, place)));

        assertThat(set).contains("MOSAIC_HOME", "MOSAIC_ROLES", "MOSAIC_SECURITY_BOOTSTRAP_KEY");
        assertThat(variables()).containsAll(set);
    }

    /** What the pattern captures in a file, or in the files of a folder. */
    private static Set<String> names(Pattern pattern, String place) {
        return Project.tree(place).stream()
                .flatMap(file -> pattern.matcher(Project.text(file)).results())
                .map(match -> match.group(1))
                .collect(Collectors.toSet());
    }

    private Set<String> variables() {
        Set<String> variables = new TreeSet<>();
        properties.keySet().forEach(property -> variables.add(variable(property)));
        return variables;
    }

    private static String variable(String property) {
        return property.replace('.', '_').replace('-', '_').toUpperCase(Locale.ROOT);
    }

    private static Map<String, Optional<String>> properties() {
        ClassPathScanningCandidateComponentProvider scanner = new ClassPathScanningCandidateComponentProvider(false);
        scanner.addIncludeFilter(new AnnotationTypeFilter(ConfigurationProperties.class));
        Map<String, Optional<String>> properties = new TreeMap<>();
        scanner.findCandidateComponents("io.mosaic")
                .forEach(bean -> properties.putAll(properties(bean.getBeanClassName())));
        return properties;
    }

    private static Map<String, Optional<String>> properties(String className) {
        try {
            Class<?> type = Class.forName(className);
            assertThat(type.isRecord()).as(className).isTrue();
            String prefix = type.getAnnotation(ConfigurationProperties.class).value();
            Constructor<?> constructor = type.getDeclaredConstructors()[0];
            Map<String, Optional<String>> properties = new LinkedHashMap<>();
            for (Parameter parameter : constructor.getParameters()) {
                properties.put(
                        prefix + "."
                                + parameter
                                        .getName()
                                        .replaceAll("([A-Z])", "-$1")
                                        .toLowerCase(Locale.ROOT),
                        Optional.ofNullable(parameter.getAnnotation(DefaultValue.class))
                                .map(value -> String.join(",", Arrays.asList(value.value())))
                                .filter(Predicate.not(String::isEmpty)));
            }
            return properties;
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException(e);
        }
    }
}
